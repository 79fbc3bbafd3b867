//! Errors as JSON, each with the status that fits it.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rumormill_proto::InputError;

use crate::api::ErrorBody;
use crate::error::{AddressError, Error};

/// A status, and what was wrong in words.
#[derive(Debug)]
pub(super) struct ApiError(pub(super) StatusCode, pub(super) String);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.0, Json(ErrorBody { error: self.1 })).into_response()
    }
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        let status = match &error {
            Error::Name(_) | Error::Address(AddressError::Form(_)) => StatusCode::BAD_REQUEST,
            Error::Address(AddressError::Unresolved { .. }) => StatusCode::UNPROCESSABLE_ENTITY,
            Error::Input(error) => match error {
                InputError::NotFinite { .. } | InputError::OutOfRange { .. } => {
                    StatusCode::UNPROCESSABLE_ENTITY
                }
                InputError::NoInput { .. } => StatusCode::NOT_FOUND,
                InputError::OtherMode { .. }
                | InputError::TooMany { .. }
                | InputError::NotRunning => StatusCode::CONFLICT,
            },
            Error::Keep(_) => StatusCode::INSUFFICIENT_STORAGE,
            Error::Stopped(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, error.to_string())
    }
}
