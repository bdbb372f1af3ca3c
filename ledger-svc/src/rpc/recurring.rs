use fintrac_kit::access::RequestContext;
use fintrac_kit::clock::timestamp;
use fintrac_kit::error::{FieldCode, FieldViolation};
use fintrac_kit::idempotency::Key;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::recurring_service_server::RecurringService;
use prost::Message;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Rpc, RpcResult, convert, encode, one_field_responses, read, respond, write};
use crate::domain::recurring::Recurring;
use crate::domain::schedule::ScheduleInput;
use crate::error::Error;
use crate::service::RecurringAction;

const PREVIEW_OCCURRENCES: usize = 10;

impl From<pb::Schedule> for ScheduleInput {
    fn from(schedule: pb::Schedule) -> Self {
        Self {
            frequency: schedule.frequency,
            interval: schedule.interval,
            rrule: schedule.rrule,
            start_date: schedule.start_date,
            end_date: schedule.end_date,
            count: schedule.count,
            weekend: schedule.weekend,
        }
    }
}

impl From<ScheduleInput> for pb::Schedule {
    fn from(schedule: ScheduleInput) -> Self {
        Self {
            frequency: schedule.frequency,
            interval: schedule.interval,
            rrule: schedule.rrule,
            start_date: schedule.start_date,
            end_date: schedule.end_date,
            count: schedule.count,
            weekend: schedule.weekend,
        }
    }
}

impl From<&Recurring> for pb::Recurring {
    fn from(recurring: &Recurring) -> Self {
        let preview: Vec<_> =
            recurring.preview(PREVIEW_OCCURRENCES).into_iter().map(|day| day.to_string()).collect();
        Self {
            id: recurring.id.to_string(),
            transaction: Some(recurring.template.clone().into()),
            schedule: Some(ScheduleInput::from(&recurring.schedule).into()),
            status: recurring.status.into_str().to_owned(),
            paused_reason: recurring.paused_reason.map(|code| code.to_string()),
            next_occurrence: preview.first().cloned(),
            preview,
            last_occurrence: recurring.last.map(|day| day.to_string()),
            last_transaction_id: recurring.last_transaction_id.map(|id| id.to_string()),
            created_at: Some(timestamp(recurring.created_at)),
            updated_at: Some(timestamp(recurring.updated_at)),
            version: recurring.version,
        }
    }
}

one_field_responses!(Recurring => recurring;
    CreateRecurringResponse, UpdateRecurringResponse, PauseRecurringResponse, ResumeRecurringResponse,
    SkipRecurringResponse);

fn parse_id(text: &str) -> Result<Uuid, Status> {
    convert::parse_id(text, "recurring transaction")
}

/// Rejects fields of a template that the schedule determines.
fn validate_template(request: &pb::CreateTransactionRequest) -> Result<(), Error> {
    let mut violations = Vec::new();
    if request.transaction_date.is_some() {
        let text = "The dates are determined by the schedule. Send start_date instead.";
        violations.push(FieldViolation::new("transaction_date", FieldCode::Conflicting, text));
    }
    if request.recurring.is_some() {
        let text = "The field must not be sent for a recurring transaction. Omit it.";
        violations.push(FieldViolation::new("recurring", FieldCode::Conflicting, text));
    }
    if violations.is_empty() { Ok(()) } else { Err(violations.into()) }
}

impl Rpc {
    /// Applies an action to a recurring transaction in its expected version.
    async fn apply<R>(
        &self,
        ctx: &RequestContext,
        action: RecurringAction,
        (id, expected_version): (Uuid, Option<i64>),
        key: Option<Key>,
    ) -> RpcResult<R>
    where
        R: Message + Default + for<'a> From<&'a Recurring>,
    {
        let idempotency = (key, encode::<_, R> as fn(&_) -> _);
        respond(self.0.apply_recurring_action(ctx, id, action, expected_version, idempotency).await?)
    }
}

#[tonic::async_trait]
impl RecurringService for Rpc {
    async fn list_recurring(
        &self,
        request: Request<pb::ListRecurringRequest>,
    ) -> RpcResult<pb::ListRecurringResponse> {
        let (ctx, pb::ListRecurringRequest { page_size, page_token }) = read(request)?;
        let page = self.0.list_recurring(&ctx, page_size, &page_token).await?;
        Ok(Response::new(pb::ListRecurringResponse {
            recurring: page.rows.iter().map(Into::into).collect(),
            next_page_token: page.next_page_token.unwrap_or_default(),
        }))
    }

    async fn create_recurring(
        &self,
        request: Request<pb::CreateRecurringRequest>,
    ) -> RpcResult<pb::CreateRecurringResponse> {
        let (ctx, key, request) = write(request, "RecurringService/CreateRecurring")?;
        let transaction = request.transaction.unwrap_or_default();
        validate_template(&transaction)?;
        let schedule = request.schedule.unwrap_or_default().into();
        let encode = encode::<_, pb::CreateRecurringResponse>;
        respond(self.0.create_recurring(&ctx, transaction.into(), &schedule, key, encode).await?)
    }

    async fn get_recurring(
        &self,
        request: Request<pb::GetRecurringRequest>,
    ) -> RpcResult<pb::GetRecurringResponse> {
        let (ctx, request) = read(request)?;
        let recurring = self.0.get_recurring(&ctx, parse_id(&request.recurring_id)?).await?;
        Ok(Response::new(pb::GetRecurringResponse { recurring: Some((&recurring).into()) }))
    }

    async fn update_recurring(
        &self,
        request: Request<pb::UpdateRecurringRequest>,
    ) -> RpcResult<pb::UpdateRecurringResponse> {
        let (ctx, key, request) = write(request, "RecurringService/UpdateRecurring")?;
        let (id, version) = (parse_id(&request.recurring_id)?, request.expected_version);
        let transaction = request.transaction.unwrap_or_default();
        validate_template(&transaction)?;
        let schedule = convert::changes(request.update_mask.clone(), request.schedule.unwrap_or_default());
        let changes = (convert::changes(request.update_mask, transaction), schedule);
        let idempotency = (key, encode::<_, pb::UpdateRecurringResponse> as fn(&_) -> _);
        respond(self.0.update_recurring(&ctx, id, changes, version, idempotency).await?)
    }

    async fn delete_recurring(
        &self,
        request: Request<pb::DeleteRecurringRequest>,
    ) -> RpcResult<pb::DeleteRecurringResponse> {
        let (ctx, key, request) = write(request, "RecurringService/DeleteRecurring")?;
        let pb::DeleteRecurringRequest { recurring_id, expected_version } = request;
        self.0.delete_recurring(&ctx, parse_id(&recurring_id)?, expected_version, key).await?;
        Ok(Response::new(pb::DeleteRecurringResponse {}))
    }

    async fn pause_recurring(
        &self,
        request: Request<pb::PauseRecurringRequest>,
    ) -> RpcResult<pb::PauseRecurringResponse> {
        let (ctx, key, request) = write(request, "RecurringService/PauseRecurring")?;
        let target = (parse_id(&request.recurring_id)?, request.expected_version);
        self.apply(&ctx, RecurringAction::Pause, target, key).await
    }

    async fn resume_recurring(
        &self,
        request: Request<pb::ResumeRecurringRequest>,
    ) -> RpcResult<pb::ResumeRecurringResponse> {
        let (ctx, key, request) = write(request, "RecurringService/ResumeRecurring")?;
        let target = (parse_id(&request.recurring_id)?, request.expected_version);
        self.apply(&ctx, RecurringAction::Resume, target, key).await
    }

    async fn skip_recurring(
        &self,
        request: Request<pb::SkipRecurringRequest>,
    ) -> RpcResult<pb::SkipRecurringResponse> {
        let (ctx, key, request) = write(request, "RecurringService/SkipRecurring")?;
        let target = (parse_id(&request.recurring_id)?, request.expected_version);
        self.apply(&ctx, RecurringAction::Skip, target, key).await
    }
}
