//! Errors as JSON, each with its HTTP status.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use rumormill_proto::json::bytes::BytesError;
use rumormill_proto::{InputError, PublishError, PutError};

use crate::api::ErrorBody;
use crate::error::{AddressError, Error};

/// A status, and what was wrong, in words.
#[derive(Debug)]
pub(crate) struct ApiError(pub(crate) StatusCode, pub(crate) String);

impl ApiError {
    /// Returns the error for a malformed request.
    #[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
    pub(super) fn bad(error: impl ToString) -> Self {
        Self(StatusCode::BAD_REQUEST, error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.0, Json(ErrorBody { error: self.1 })).into_response()
    }
}

impl From<BytesError> for ApiError {
    fn from(error: BytesError) -> Self {
        Self::bad(error)
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
                _ => StatusCode::CONFLICT,
            },
            Error::Publish(error) => match error {
                PublishError::TooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                PublishError::QueueFull { .. } => StatusCode::TOO_MANY_REQUESTS,
                PublishError::Reserved(_) => StatusCode::BAD_REQUEST,
                PublishError::Rejected => StatusCode::UNPROCESSABLE_ENTITY,
                _ => StatusCode::CONFLICT,
            },
            Error::Put(error) => match error {
                PutError::EmptyKey | PutError::LongKey { .. } | PutError::BadKey(_) => {
                    StatusCode::BAD_REQUEST
                }
                PutError::LargeValue { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                PutError::Full { .. } => StatusCode::INSUFFICIENT_STORAGE,
                _ => StatusCode::CONFLICT,
            },
            Error::Keep(_) => StatusCode::INSUFFICIENT_STORAGE,
            Error::NotConverged(_) => StatusCode::REQUEST_TIMEOUT,
            Error::Unknown { .. } => StatusCode::NOT_FOUND,
            Error::Stopped(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self(status, error.to_string())
    }
}
