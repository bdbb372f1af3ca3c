//! The shape of gRPC handlers: parse the request, call the use case, build the response.

use fintrac_proto::PageResponse;
use kit_access::RequestContext;
use kit_core::error::internal;
use kit_core::headers::REPLAYED;
use kit_core::pagination::Page;
use prost::Message;
use tonic::metadata::MetadataValue;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::use_case::{Error, WriteContext};

/// The result of a gRPC handler.
pub type RpcResult<T> = Result<Response<T>, Status>;

/// Parses the id of an `entity`; an invalid UUID is reported as not found.
pub fn parse_id(text: &str, entity: &str) -> Result<Uuid, Error> {
    Uuid::parse_str(text).map_err(|_| Error::not_found(entity))
}

/// Reads the context and the message of a request.
pub fn read<M>(request: Request<M>) -> Result<(RequestContext, M), Status> {
    Ok((RequestContext::from_request(&request)?, request.into_inner()))
}

/// Executes a use case that writes.
/// A request with a known idempotency key gets the stored response, byte for byte.
pub async fn execute<M, T, R>(
    request: Request<M>,
    use_case: impl AsyncFnOnce(WriteContext<T>, M) -> Result<T, Error>,
) -> RpcResult<R>
where
    M: Message,
    R: Message + Default + for<'a> From<&'a T>,
{
    let ctx = WriteContext::from_request::<M, R>(&request)?;
    match use_case(ctx, request.into_inner()).await {
        Ok(value) => respond(&value),
        Err(Error::Replayed(message)) => {
            let message = R::decode(message.as_slice()).map_err(|error| internal(&error))?;
            let mut response = Response::new(message);
            response.metadata_mut().insert(REPLAYED, MetadataValue::from_static("true"));
            Ok(response)
        }
        Err(error) => Err(error.into()),
    }
}

/// Builds the response from the result of a use case.
pub fn respond<T, R: for<'a> From<&'a T>>(value: &T) -> RpcResult<R> {
    Ok(Response::new(R::from(value)))
}

/// Builds the response with a page of a list.
pub fn respond_page<T, R: PageResponse>(page: &Page<T>) -> RpcResult<R>
where
    R::Item: for<'a> From<&'a T>,
{
    let rows = page.rows.iter().map(Into::into).collect();
    Ok(Response::new(R::from_page(rows, page.next_page_token.clone().unwrap_or_default())))
}
