//! Which form records are kept in: `cargo bench --bench encoding`. An alert as most are, in JSON, in `MessagePack` with names, and in a form without
//! names; how large each is, and how long it takes to write and to read. The reason for JSON stands in `store/codec.rs`.

use std::hint::black_box;

use muster::clock::Stopwatch;
use muster::domain::reason::JoinReason;
use muster::domain::{Alert, AssetName, Level, Pillar, Signal};

const ROUNDS: u32 = 200_000;

fn alert() -> Alert {
    let at = chrono::DateTime::from_timestamp(1_795_413_600, 0).expect("a moment");
    Alert {
        id: "01M83FTSR0DNWKV2Y489KX3T62".into(),
        signal: Signal {
            asset: AssetName::new("warehouse.orders"),
            pillar: Pillar::Freshness,
            level: Level::Critical,
            url: Some("https://monitors.example.com/orders".to_owned()),
            labels: [("team".to_owned(), "orders".to_owned()), ("run".to_owned(), "2026-11-23T06:00".to_owned())]
                .into(),
            description: Some("The newest row is nine hours old; two are promised.".to_owned()),
            ..Signal::new("prod-prometheus", "orders.freshness", "orders are stale for 9 h", at)
        },
        first_seen: at,
        last_seen: at,
        resolved_at: None,
        ended_at: None,
        joined_because: JoinReason::SameAsset { asset: AssetName::new("warehouse.orders").expect("a name") },
        inhibited: false,
    }
}

fn micros(mut work: impl FnMut()) -> f64 {
    let watch = Stopwatch::start();
    (0..ROUNDS).for_each(|_| work());
    watch.seconds() * 1e6 / f64::from(ROUNDS)
}

fn main() {
    let alert = alert();
    println!("| form | bytes | write µs | read µs |\n|---|--:|--:|--:|");
    let json = serde_json::to_vec(&alert).expect("it writes");
    let wrote = micros(|| drop(black_box(serde_json::to_vec(black_box(&alert)))));
    let read = micros(|| drop(black_box(serde_json::from_slice::<Alert>(black_box(&json)))));
    println!("| JSON | {} | {wrote:.2} | {read:.2} |", json.len());
    let named = rmp_serde::to_vec_named(&alert).expect("it writes");
    let wrote = micros(|| drop(black_box(rmp_serde::to_vec_named(black_box(&alert)))));
    let read = micros(|| drop(black_box(rmp_serde::from_slice::<Alert>(black_box(&named)))));
    println!("| MessagePack, with names | {} | {wrote:.2} | {read:.2} |", named.len());
    // Of a signal only: a form without names cannot read what is flattened.
    let bare = postcard::to_stdvec(&alert.signal).expect("it writes");
    let wrote = micros(|| drop(black_box(postcard::to_stdvec(black_box(&alert.signal)))));
    let read = micros(|| drop(black_box(postcard::from_bytes::<Signal>(black_box(&bare)))));
    println!("| without names (postcard), the signal only | {} | {wrote:.2} | {read:.2} |", bare.len());
}
