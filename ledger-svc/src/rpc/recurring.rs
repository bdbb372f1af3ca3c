use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::recurring_service_server::RecurringService;
use kit_core::clock::timestamp;
use kit_core::error::{FieldCode, FieldViolation};
use kit_service::handler::{self, RpcResult, execute, read, respond, respond_page};
use tonic::Request;
use uuid::Uuid;

use super::{Rpc, convert};
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

fn parse_id(text: &str) -> Result<Uuid, Error> {
    handler::parse_id(text, "recurring transaction")
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

#[tonic::async_trait]
impl RecurringService for Rpc {
    async fn list_recurring(
        &self,
        request: Request<pb::ListRecurringRequest>,
    ) -> RpcResult<pb::ListRecurringResponse> {
        let (ctx, pb::ListRecurringRequest { page_size, page_token }) = read(request)?;
        respond_page(&self.0.list_recurring(&ctx, page_size, &page_token).await?)
    }

    async fn create_recurring(
        &self,
        request: Request<pb::CreateRecurringRequest>,
    ) -> RpcResult<pb::CreateRecurringResponse> {
        execute(request, async |ctx, pb::CreateRecurringRequest { transaction, schedule }| {
            let transaction = transaction.unwrap_or_default();
            validate_template(&transaction)?;
            let schedule = schedule.unwrap_or_default().into();
            self.0.create_recurring(&ctx, transaction.into(), &schedule).await
        })
        .await
    }

    async fn get_recurring(
        &self,
        request: Request<pb::GetRecurringRequest>,
    ) -> RpcResult<pb::GetRecurringResponse> {
        let (ctx, pb::GetRecurringRequest { recurring_id }) = read(request)?;
        respond(&self.0.get_recurring(&ctx, parse_id(&recurring_id)?).await?)
    }

    async fn update_recurring(
        &self,
        request: Request<pb::UpdateRecurringRequest>,
    ) -> RpcResult<pb::UpdateRecurringResponse> {
        execute(request, async |ctx, request| {
            let (id, version) = (parse_id(&request.recurring_id)?, request.expected_version);
            let transaction = request.transaction.unwrap_or_default();
            validate_template(&transaction)?;
            let schedule = request.schedule.unwrap_or_default();
            let schedule = convert::changes(request.update_mask.clone(), schedule);
            let changes = (convert::changes(request.update_mask, transaction), schedule);
            self.0.update_recurring(&ctx, id, changes, version).await
        })
        .await
    }

    async fn delete_recurring(
        &self,
        request: Request<pb::DeleteRecurringRequest>,
    ) -> RpcResult<pb::DeleteRecurringResponse> {
        execute(request, async |ctx, pb::DeleteRecurringRequest { recurring_id, expected_version }| {
            self.0.delete_recurring(&ctx, parse_id(&recurring_id)?, expected_version).await
        })
        .await
    }

    async fn pause_recurring(
        &self,
        request: Request<pb::PauseRecurringRequest>,
    ) -> RpcResult<pb::PauseRecurringResponse> {
        execute(request, async |ctx, pb::PauseRecurringRequest { recurring_id, expected_version }| {
            let id = parse_id(&recurring_id)?;
            self.0.apply_recurring_action(&ctx, id, RecurringAction::Pause, expected_version).await
        })
        .await
    }

    async fn resume_recurring(
        &self,
        request: Request<pb::ResumeRecurringRequest>,
    ) -> RpcResult<pb::ResumeRecurringResponse> {
        execute(request, async |ctx, pb::ResumeRecurringRequest { recurring_id, expected_version }| {
            let id = parse_id(&recurring_id)?;
            self.0.apply_recurring_action(&ctx, id, RecurringAction::Resume, expected_version).await
        })
        .await
    }

    async fn skip_recurring(
        &self,
        request: Request<pb::SkipRecurringRequest>,
    ) -> RpcResult<pb::SkipRecurringResponse> {
        execute(request, async |ctx, pb::SkipRecurringRequest { recurring_id, expected_version }| {
            let id = parse_id(&recurring_id)?;
            self.0.apply_recurring_action(&ctx, id, RecurringAction::Skip, expected_version).await
        })
        .await
    }
}
