//! HEAD is GET whose body nobody wants. Were the body left out by the route, layers
//! around it would compress nothing and give a refusal a body again.

use axum::extract::Request;
use axum::http::Method;

pub fn head_as_get(mut request: Request) -> Request {
    if request.method() == Method::HEAD {
        *request.method_mut() = Method::GET;
    }
    request
}
