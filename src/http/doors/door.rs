//! What makes an extractor a door, and the one way to add a route: with a handler that begins with a door. The description of the route
//! takes from the door who is let in. So the two cannot differ.

use axum::handler::Handler;
use utoipa::openapi::path::{Operation, PathItem};
use utoipa::openapi::security::{
    ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme,
};
use utoipa::openapi::{Content, OpenApi, Ref, RefOr, ResponseBuilder};
use utoipa_axum::router::UtoipaMethodRouter;

use super::anyone::Anyone;
use super::clients::{Access, ApiClient, AssetBadge, Browser, Read};
use super::services::{PagerDutyWebhook, SlackRequest};
use super::source::{EventsClient, SourceRequest, SourceToken};
use super::state::AppState;
use crate::config::Scope;

/// An extractor that verifies who sends a request.
#[diagnostic::on_unimplemented(message = "`{Self}` is no door: a handler begins with an extractor of `http/doors`")]
pub(crate) trait Door {
    /// Who is let in: the name of a security scheme, and the scopes, of which one is enough. If it names none, it lets everybody in.
    const LETS_IN: &'static [(&'static str, &'static [Scope])];
    /// The problems with which it refuses others.
    const REFUSES: &'static [&'static str];
}

macro_rules! doors {
    ($([$($of:tt)*] $door:ty: $lets_in:expr, $refuses:expr;)*) => { $(
        impl<$($of)*> Door for $door {
            const LETS_IN: &'static [(&'static str, &'static [Scope])] = &$lets_in;
            const REFUSES: &'static [&'static str] = &$refuses;
        }
    )* };
}

doors! {
    [] Anyone: [], [];
    [A: Access] ApiClient<A>: [("bearer", A::ANY_OF)], ["401", "403"];
    [] Browser: [("password", Read::ANY_OF), ("bearer", Read::ANY_OF)], ["401", "403"];
    [] AssetBadge: [("badge_key", &[]), ("bearer", Read::ANY_OF)], ["401", "403"];
    [] SourceToken: [("source", &[])], ["401"];
    [] SourceRequest: [("source", &[])], ["401"];
    // It refuses in PagerDuty's own words, which its routes describe.
    [K] EventsClient<K>: [("routing_key", &[])], [];
    [] SlackRequest: [("slack", &[])], ["401"];
    [] PagerDutyWebhook: [("pagerduty", &[])], ["401"];
}

/// The parameters of a handler that begins with a door.
pub(crate) trait Through {
    type Door: Door;
}

impl<M, D: Door> Through for (M, D) {
    type Door = D;
}
impl<M, D: Door, A> Through for (M, D, A) {
    type Door = D;
}
impl<M, D: Door, A, B> Through for (M, D, A, B) {
    type Door = D;
}

/// A route, with its handler's door in its description.
macro_rules! route {
    ($($handler:ident)::+) => {
        $crate::http::doors::described($($handler)::+, utoipa_axum::routes!($($handler)::+))
    };
}
pub(crate) use route;

/// Describes the door of a handler.
pub(crate) fn described<T: Through>(
    _: impl Handler<T, AppState>,
    (schemas, mut paths, router): UtoipaMethodRouter<AppState>,
) -> UtoipaMethodRouter<AppState> {
    for (path, PathItem { get, put, post, delete, .. }) in &mut paths.paths {
        for (method, operation) in [("get", get), ("put", put), ("post", post), ("delete", delete)] {
            let Some(operation) = operation else { continue };
            describe::<T::Door>(operation);
            // Handlers in two files may have the same name, but an id must be the only one.
            let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
            operation.operation_id = Some(std::iter::once(method).chain(words).collect::<Vec<_>>().join("_"));
        }
    }
    (schemas, paths, router)
}

fn describe<D: Door>(operation: &mut Operation) {
    let scopes = |scopes: &[Scope]| scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>();
    let lets_in = D::LETS_IN.iter().map(|(scheme, of)| SecurityRequirement::new(*scheme, scopes(of)));
    operation.security = Some(lets_in.collect());
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let responses = &mut operation.responses.responses;
    for status in D::REFUSES {
        let why = if *status == "403" { "A token without the scope for this" } else { "Nothing shows who sends this" };
        let refusal = ResponseBuilder::new().description(why).content("application/json", problem.clone());
        responses.insert((*status).to_owned(), RefOr::T(refusal.build()));
    }
    if operation.request_body.is_some() {
        let why = "The header `Content-Encoding` names something else than gzip";
        let refusal = ResponseBuilder::new().description(why).content("application/json", problem.clone());
        responses.insert("415".to_owned(), RefOr::T(refusal.build()));
    }
    // A problem has a media type of its own (RFC 9457).
    let problem = RefOr::T(problem);
    for response in responses.values_mut() {
        if let RefOr::T(response) = response
            && response.content.get("application/json") == Some(&problem)
        {
            response.content = [("application/problem+json".to_owned(), problem.clone())].into();
        }
    }
}

/// What the names in `LETS_IN` mean.
pub(crate) struct SecuritySchemes;

impl utoipa::Modify for SecuritySchemes {
    fn modify(&self, document: &mut OpenApi) {
        let http =
            |scheme, words| SecurityScheme::Http(HttpBuilder::new().scheme(scheme).description(Some(words)).build());
        let key = |in_: fn(ApiKeyValue) -> ApiKey, name, words| {
            SecurityScheme::ApiKey(in_(ApiKeyValue::with_description(name, words)))
        };
        let (query, header) = (ApiKey::Query, ApiKey::Header);
        let routing_key = "A source's token, in the body as PagerDuty's routing key or service key";
        let schemes = [
            ("bearer", http(HttpAuthScheme::Bearer, "A token of the API that is good for one of the scopes")),
            ("password", http(HttpAuthScheme::Basic, "A browser: any user, and a token of the API as the password")),
            ("badge_key", key(query, "key", "The key in an asset's `badge_url`")),
            ("source", http(HttpAuthScheme::Bearer, "The source's token, or the signature of its kind")),
            ("routing_key", key(query, "routing_key", routing_key)),
            ("slack", key(header, "x-slack-signature", "Slack's signature over the body")),
            ("pagerduty", key(header, "x-pagerduty-signature", "PagerDuty's signature over the body")),
        ];
        let components = document.components.get_or_insert_default();
        schemes.into_iter().for_each(|(name, scheme)| components.add_security_scheme(name, scheme));
    }
}
