//! The door that is open to everybody.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;

use super::state::AppState;
use crate::app::App;

pub(crate) struct Anyone(pub(crate) Arc<App>);

impl FromRequestParts<AppState> for Anyone {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(_: &mut Parts, state: &AppState) -> Result<Self, Self::Rejection> {
        Ok(Self(state.app.clone()))
    }
}
