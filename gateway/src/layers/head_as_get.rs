//! Runs HEAD as GET; the outermost layer strips the body.
//! If the route omitted the body, the layers around it would compress nothing and add a body to a
//! rejection.

use axum::extract::Request;
use axum::http::Method;

pub fn head_as_get(mut request: Request) -> Request {
    if request.method() == Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    request
}
