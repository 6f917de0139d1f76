//! A PostgreSQL server of our own, started once for all tests of this process where its programs are there, and gone with the process.
//! Every store has a schema of its own in it.

use std::io::Write as _;
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use muster::store::Store;
use muster::store::postgres::{self, LeaseClock};

pub struct Server {
    /// Its folder; the socket is in it, and the certificate that vouches for it is `ca.pem`.
    pub folder: PathBuf,
    /// Where it listens with TLS.
    pub port: u16,
    /// What started it. Once its standard input is closed, the server ends and its folder is removed.
    _shell: Child,
}

/// A schema of its own, and its address.
#[derive(Clone, Debug)]
pub struct Schema {
    pub name: String,
    pub url: String,
}

static SERVER: OnceLock<Option<Server>> = OnceLock::new();

/// The server, unless its programs are not on this machine; that is said loudly, and refused where `MUSTER_REQUIRE_POSTGRES` is set.
pub fn server() -> Option<&'static Server> {
    SERVER
        .get_or_init(|| {
            let started = programs().map(|programs| start(&programs));
            if started.is_none() {
                assert!(
                    std::env::var_os("MUSTER_REQUIRE_POSTGRES").is_none(),
                    "PostgreSQL is not installed (Debian: apt-get install postgresql)"
                );
                // Past the capture of tests, so that it is read.
                let words = b"\n*** PostgreSQL is not installed: the tests of its engine are SKIPPED (Debian: apt-get install postgresql)\n\n";
                std::io::stderr().write_all(words).unwrap();
            }
            started
        })
        .as_ref()
}

/// The folder of the newest `initdb` there is.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let debian = versions.map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut found: Vec<_> = debian.filter(|folder| folder.join("initdb").exists()).collect();
    found.sort();
    found.pop().or_else(|| std::env::split_paths(&path).find(|folder| folder.join("initdb").exists()))
}

/// The ids of the user that the server runs as: `postgres` where we are root, which it refuses to be.
fn ids() -> Option<(u32, u32)> {
    let id = |arguments: &[&str]| -> Option<u32> {
        let output = Command::new("id").args(arguments).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    if id(&["-u"]) != Some(0) {
        return None;
    }
    Some((id(&["-u", "postgres"]).expect("a user postgres"), id(&["-g", "postgres"]).expect("its group")))
}

/// Runs as the user of the server.
fn command(program: &Path, ids: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = ids {
        command.uid(user).gid(group);
    }
    command
}

fn start(programs: &Path) -> Server {
    let folder = std::env::temp_dir().join(format!("muster-postgres-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let ids = ids();
    let own = |path: &Path| {
        if let Some((user, group)) = ids {
            chown(path, Some(user), Some(group)).unwrap();
        }
    };
    own(&folder);
    let data = folder.join("data");
    let made = command(&programs.join("initdb"), ids)
        .current_dir(&folder)
        .args(["--username=muster", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"])
        .arg(&data)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    for (name, text) in [("ca.pem", made.cert.pem()), ("key.pem", made.signing_key.serialize_pem())] {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        let mode = if name == "key.pem" { 0o600 } else { 0o644 };
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(mode)).unwrap();
        own(&path);
    }
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    // It ends when its standard input is closed, which the end of this process does whatever ends it.
    let script = r#""$1/postgres" -D "$2/data" -k "$2" -p "$3" -c listen_addresses=127.0.0.1 -c fsync=off -c full_page_writes=off \
        -c max_connections=400 -c ssl=on -c ssl_cert_file="$2/ca.pem" -c ssl_key_file="$2/key.pem" -c autovacuum_naptime=5 > "$2/log" 2>&1 &
        read -r _; kill -INT $!; wait; rm -rf "$2""#;
    let shell = command(Path::new("sh"), ids)
        .current_dir(&folder)
        .args(["-c", script, "sh"])
        .args([programs, &folder])
        .arg(port.to_string())
        .stdin(Stdio::piped())
        .process_group(0)
        .spawn()
        .unwrap();
    let server = Server { folder, port, _shell: shell };
    server.wait_until_ready(programs);
    server
}

impl Server {
    fn wait_until_ready(&self, programs: &Path) {
        for _ in 0..600 {
            let mut asks = Command::new(programs.join("pg_isready"));
            asks.arg("--quiet").arg("--host").arg(&self.folder).arg(format!("--port={}", self.port));
            if asks.status().unwrap().success() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
        panic!("the server does not start:\n{}", std::fs::read_to_string(self.folder.join("log")).unwrap_or_default());
    }

    /// A connection past all that Muster does.
    pub async fn connect(&self) -> tokio_postgres::Client {
        let url = format!("postgres://muster@{}:{}/postgres", encoded(&self.folder), self.port);
        let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// The address of a schema behind the socket in this folder.
    pub fn through(&self, folder: &Path, schema: &str) -> String {
        let options = format!("-csearch_path={schema}");
        let options: String = url::form_urlencoded::byte_serialize(options.as_bytes()).collect();
        format!("postgres://muster@{}:{}/postgres?options={options}", encoded(folder), self.port)
    }

    /// An empty schema.
    pub async fn schema(&self) -> Schema {
        static SCHEMAS: AtomicUsize = AtomicUsize::new(1);
        let name = format!("s{}", SCHEMAS.fetch_add(1, Ordering::SeqCst));
        self.connect().await.batch_execute(&format!("CREATE SCHEMA {name}")).await.unwrap();
        Schema { url: self.through(&self.folder, &name), name }
    }
}

fn encoded(folder: &Path) -> String {
    folder.to_str().unwrap().replace('/', "%2F")
}

/// An empty store whose leases follow the clock of whoever claims.
pub async fn store() -> Option<Store> {
    let schema = server()?.schema().await;
    Some(postgres::open(&schema.url, LeaseClock::Caller).await.unwrap())
}
