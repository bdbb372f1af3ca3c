use axum::extract::State;
use axum::response::Response;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::bulk_operation::{Delete, Op, Update};
use fintrac_proto::rest::{ReadFields, read_object};
use kit_core::error::{FieldCode, ProblemCode};
use prost_types::FieldMask;
use serde::de::{Deserialize, Deserializer, MapAccess};
use utoipa::openapi::schema::{ObjectBuilder, RefBuilder, Schema, Type};
use utoipa::openapi::{KnownFormat, RefOr, SchemaFormat};
use utoipa::{PartialSchema, ToSchema};

use crate::extract::{BoundedVec, IdempotentJson, NoQuery, RequirePermission, permission};
use crate::openapi::enums;
use crate::problem::Problem;
use crate::state::AppState;

/// The operations of a bulk request.
#[derive(serde::Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkRequest {
    /// The mode: `atomic` (all operations or none) or `partial` (each one on its own).
    #[schema(value_type = enums::BulkMode, required = true, example = "atomic")]
    #[serde(default)]
    mode: String,
    /// At most 1,000 operations, each on a different transaction.
    #[schema(required = true, value_type = Vec<BulkOperation>, min_items = 1, max_items = 1000)]
    #[serde(default)]
    operations: BoundedVec<BulkOperation, 1000>,
}

/// An operation on a transaction: its kind and id beside the fields of the transaction.
#[derive(Default)]
pub struct BulkOperation {
    op: String,
    id: Option<String>,
    /// The fields of the transaction that are present.
    mask: FieldMask,
    transaction: pb::CreateTransactionRequest,
}

impl ReadFields for BulkOperation {
    const IS_PATCH: bool = true;

    fn read_field<'de, M: MapAccess<'de>>(
        &mut self,
        name: &str,
        map: &mut M,
        patch: bool,
        _flattened: bool,
    ) -> Result<bool, M::Error> {
        match name {
            "op" => self.op = map.next_value()?,
            "id" => self.id = Some(map.next_value()?),
            "recurring" => return Ok(false),
            _ => return self.transaction.read_flattened(name, map, patch),
        }
        Ok(true)
    }

    fn set_mask(&mut self, mut paths: Vec<String>) {
        paths.retain(|path| path != "op" && path != "id");
        self.mask = FieldMask { paths };
    }
}

impl<'de> Deserialize<'de> for BulkOperation {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read_object(deserializer)
    }
}

/// The fields of an update, and `op` and `id`.
impl PartialSchema for BulkOperation {
    fn schema() -> RefOr<Schema> {
        let mut schema = pb::UpdateTransactionRequest::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            let text = "An operation on a transaction.\n\n`create` takes the fields of a new transaction except \
                        `recurring`; `update` takes an `id` and the fields to change; `delete` takes an `id`.";
            object.description = Some(text.to_owned());
            object.required = vec!["op".to_owned()];
            let id = ObjectBuilder::new()
                .schema_type(Type::String)
                .format(Some(SchemaFormat::KnownFormat(KnownFormat::Uuid)))
                .description(Some("The id of the transaction; only for `update` and `delete`."));
            let op = RefBuilder::new()
                .ref_location_from_schema_name("BulkOperationKind")
                .description(Some("The operation: `create`, `update` or `delete`."));
            object.properties.insert("id".to_owned(), id.into());
            object.properties.insert("op".to_owned(), op.into());
        }
        schema
    }
}

impl ToSchema for BulkOperation {}

impl BulkOperation {
    /// Whether `op` is the operation.
    fn is_op(&self, op: &str) -> bool {
        self.op.trim().eq_ignore_ascii_case(op)
    }

    fn into_proto(self, index: usize, problem: &mut Option<Problem>) -> pb::BulkOperation {
        let (is_create, is_delete) = (self.is_op("create"), self.is_op("delete"));
        let is_known = is_create || is_delete || self.is_op("update");
        let Self { id, mask, transaction, .. } = self;
        let unexpected = match mask.paths.first() {
            Some(field) if is_delete => Some(field.as_str()),
            _ => id.as_ref().filter(|_| is_create).map(|_| "id"),
        };
        if let Some(field) = unexpected {
            let text = "This operation has no such field. Remove it.";
            let rejection = problem.take().unwrap_or_else(malformed);
            *problem =
                Some(rejection.field(format!("operations[{index}].{field}"), FieldCode::UnknownField, text));
        }
        let id = id.unwrap_or_default();
        let op = if is_create {
            Op::Create(transaction)
        } else if is_delete {
            Op::Delete(Delete { id })
        } else {
            Op::Update(Update { id, update_mask: Some(mask), transaction: Some(transaction) })
        };
        pb::BulkOperation { op: is_known.then_some(op) }
    }
}

fn malformed() -> Problem {
    Problem::new(ProblemCode::MalformedBody, "The body is invalid; see errors.")
}

/// Write several transactions
///
/// Creates, updates and voids transactions in one commit. In the mode `atomic`, a rejected
/// operation leaves everything unchanged, and the error names its field, e.g.
/// `operations[17].amount`. In the mode `partial`, every operation has its own result.
#[utoipa::path(post, path = "/transactions/bulk", tag = "transactions",
    responses((status = 200, description = "One result per operation, in the order of the operations", body = pb::BulkTransactionsResponse)))]
pub async fn bulk_write_transactions(
    State(state): State<AppState>,
    _query: NoQuery,
    _user: RequirePermission<permission::TransactionsWrite>,
    IdempotentJson(idempotency, body): IdempotentJson<BulkRequest>,
) -> Result<Response, Problem> {
    let mut problem = None;
    let numbered = body.operations.0.into_iter().enumerate();
    let operations = numbered.map(|(index, operation)| operation.into_proto(index, &mut problem)).collect();
    if let Some(problem) = problem {
        return Err(problem);
    }
    let request = pb::BulkTransactionsRequest { mode: body.mode, operations };
    let mut response = state.transactions().bulk_transactions(idempotency.request(request)).await?;
    let results = std::mem::take(response.get_mut());
    Ok(idempotency.mark_replayed(&response, axum::Json(results)))
}
