use fintrac_kit::access::RequestContext;
use fintrac_kit::clock::timestamp;
use fintrac_kit::error::FieldViolation;
use fintrac_kit::field_mask;
use fintrac_kit::idempotency;
use fintrac_proto::ledger::v1 as pb;
use fintrac_proto::ledger::v1::recurring_service_server::RecurringService;
use prost::Message as _;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::{Rpc, convert};
use crate::domain::recurring::Recurring;
use crate::domain::schedule::{Rule, Schedule, ScheduleInput};
use crate::domain::transaction::{SplitInput, TransactionInput};
use crate::error::Error;
use crate::service::{RecurringAction, ScheduleChanges};

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

impl From<&Schedule> for pb::Schedule {
    fn from(schedule: &Schedule) -> Self {
        let (frequency, interval, rrule) = match &schedule.rule {
            Rule::Every { frequency, interval } => {
                (Some(frequency.as_str().to_owned()), Some(i64::from(*interval)), None)
            }
            Rule::Rfc(rule) => (None, None, Some(rule.clone())),
        };
        Self {
            frequency,
            interval,
            rrule,
            start_date: Some(schedule.start.to_string()),
            end_date: schedule.end.map(|day| day.to_string()),
            count: schedule.count.map(i64::from),
            weekend: Some(schedule.weekend.as_str().to_owned()),
        }
    }
}

fn template(input: &TransactionInput) -> pb::CreateTransactionRequest {
    let input = input.clone();
    let split = |split: SplitInput| pb::Split {
        category_id: split.category_id,
        amount: split.amount,
        description: split.description,
        ..pb::Split::default()
    };
    pb::CreateTransactionRequest {
        account_id: input.account_id,
        r#type: input.transaction_type,
        amount: input.amount,
        currency_code: input.currency_code,
        category_id: input.category_id,
        to_account_id: input.to_account_id,
        to_amount: input.to_amount,
        description: input.description,
        reference_number: input.reference_number,
        notes: input.notes,
        tags: input.tags,
        transaction_date: None,
        splits: input.splits.into_iter().map(split).collect(),
        recurring: None,
    }
}

impl From<&Recurring> for pb::Recurring {
    fn from(recurring: &Recurring) -> Self {
        let preview: Vec<_> =
            recurring.preview(PREVIEW_OCCURRENCES).into_iter().map(|day| day.to_string()).collect();
        Self {
            id: recurring.id.to_string(),
            transaction: Some(template(&recurring.template)),
            schedule: Some((&recurring.schedule).into()),
            status: recurring.status.as_str().to_owned(),
            paused_reason: recurring.paused_reason.clone(),
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

fn created(recurring: &Recurring) -> pb::CreateRecurringResponse {
    pb::CreateRecurringResponse { recurring: Some(recurring.into()) }
}

fn updated(recurring: &Recurring) -> pb::UpdateRecurringResponse {
    pb::UpdateRecurringResponse { recurring: Some(recurring.into()) }
}

fn paused(recurring: &Recurring) -> pb::PauseRecurringResponse {
    pb::PauseRecurringResponse { recurring: Some(recurring.into()) }
}

fn resumed(recurring: &Recurring) -> pb::ResumeRecurringResponse {
    pb::ResumeRecurringResponse { recurring: Some(recurring.into()) }
}

fn skipped(recurring: &Recurring) -> pb::SkipRecurringResponse {
    pb::SkipRecurringResponse { recurring: Some(recurring.into()) }
}

fn parse_id(text: &str) -> Result<Uuid, Status> {
    convert::parse_id(text, "recurring transaction")
}

/// Rejects fields of a template that the schedule determines.
fn validate_template(request: &pb::CreateTransactionRequest) -> Result<(), Error> {
    let mut violations = Vec::new();
    if request.transaction_date.is_some() {
        let text = "The dates are determined by the schedule. Send start_date instead.";
        violations.push(FieldViolation::new("transaction_date", "CONFLICTING", text));
    }
    if request.recurring.is_some() {
        violations.push(FieldViolation::new(
            "recurring",
            "CONFLICTING",
            "The field must not be sent for a recurring transaction. Omit it.",
        ));
    }
    if violations.is_empty() { Ok(()) } else { Err(violations.into()) }
}

#[tonic::async_trait]
impl RecurringService for Rpc {
    async fn list_recurring(
        &self,
        request: Request<pb::ListRecurringRequest>,
    ) -> Result<Response<pb::ListRecurringResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let pb::ListRecurringRequest { page_size, page_token } = request.into_inner();
        let page = self.0.list_recurring(&ctx, page_size, &page_token).await?;
        let recurring = page.rows.iter().map(Into::into).collect();
        let next_page_token = page.next_page_token.unwrap_or_default();
        Ok(Response::new(pb::ListRecurringResponse { recurring, next_page_token }))
    }

    async fn create_recurring(
        &self,
        request: Request<pb::CreateRecurringRequest>,
    ) -> Result<Response<pb::CreateRecurringResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "RecurringService/CreateRecurring")?;
        let pb::CreateRecurringRequest { transaction, schedule } = request.into_inner();
        let transaction = transaction.unwrap_or_default();
        validate_template(&transaction)?;
        let schedule = schedule.unwrap_or_default().into();
        let encode = |recurring: &Recurring| created(recurring).encode_to_vec();
        let stored = self.0.create_recurring(&ctx, transaction.into(), &schedule, key, encode).await?;
        idempotency::response(stored, |recurring| created(&recurring))
    }

    async fn get_recurring(
        &self,
        request: Request<pb::GetRecurringRequest>,
    ) -> Result<Response<pb::GetRecurringResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let recurring = self.0.get_recurring(&ctx, parse_id(&request.into_inner().recurring_id)?).await?;
        Ok(Response::new(pb::GetRecurringResponse { recurring: Some((&recurring).into()) }))
    }

    async fn update_recurring(
        &self,
        request: Request<pb::UpdateRecurringRequest>,
    ) -> Result<Response<pb::UpdateRecurringResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "RecurringService/UpdateRecurring")?;
        let request = request.into_inner();
        let mask = request.update_mask.as_ref();
        let schedule = request.schedule.unwrap_or_default();
        let schedule = ScheduleChanges {
            frequency: field_mask::contains(mask, "frequency").then_some(schedule.frequency),
            interval: field_mask::contains(mask, "interval").then_some(schedule.interval),
            rrule: field_mask::contains(mask, "rrule").then_some(schedule.rrule),
            start_date: field_mask::contains(mask, "start_date").then_some(schedule.start_date),
            end_date: field_mask::contains(mask, "end_date").then_some(schedule.end_date),
            count: field_mask::contains(mask, "count").then_some(schedule.count),
            weekend: field_mask::contains(mask, "weekend").then_some(schedule.weekend),
        };
        let values = request.transaction.unwrap_or_default();
        validate_template(&values)?;
        let changes = (convert::transaction_changes(mask, Some(values)), schedule);
        let encode: fn(&Recurring) -> Vec<u8> = |recurring| updated(recurring).encode_to_vec();
        let updating = self.0.update_recurring(
            &ctx,
            parse_id(&request.recurring_id)?,
            changes,
            request.expected_version,
            (key, encode),
        );
        idempotency::response(updating.await?, |recurring| updated(&recurring))
    }

    async fn delete_recurring(
        &self,
        request: Request<pb::DeleteRecurringRequest>,
    ) -> Result<Response<pb::DeleteRecurringResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "RecurringService/DeleteRecurring")?;
        let pb::DeleteRecurringRequest { recurring_id, expected_version } = request.into_inner();
        self.0.delete_recurring(&ctx, parse_id(&recurring_id)?, expected_version, key).await?;
        Ok(Response::new(pb::DeleteRecurringResponse {}))
    }

    async fn pause_recurring(
        &self,
        request: Request<pb::PauseRecurringRequest>,
    ) -> Result<Response<pb::PauseRecurringResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "RecurringService/PauseRecurring")?;
        let pb::PauseRecurringRequest { recurring_id, expected_version } = request.into_inner();
        let encode: fn(&Recurring) -> Vec<u8> = |recurring| paused(recurring).encode_to_vec();
        let id = parse_id(&recurring_id)?;
        let stored = self
            .0
            .apply_recurring_action(&ctx, id, RecurringAction::Pause, expected_version, (key, encode))
            .await?;
        idempotency::response(stored, |recurring| paused(&recurring))
    }

    async fn resume_recurring(
        &self,
        request: Request<pb::ResumeRecurringRequest>,
    ) -> Result<Response<pb::ResumeRecurringResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "RecurringService/ResumeRecurring")?;
        let pb::ResumeRecurringRequest { recurring_id, expected_version } = request.into_inner();
        let encode: fn(&Recurring) -> Vec<u8> = |recurring| resumed(recurring).encode_to_vec();
        let id = parse_id(&recurring_id)?;
        let stored = self
            .0
            .apply_recurring_action(&ctx, id, RecurringAction::Resume, expected_version, (key, encode))
            .await?;
        idempotency::response(stored, |recurring| resumed(&recurring))
    }

    async fn skip_recurring(
        &self,
        request: Request<pb::SkipRecurringRequest>,
    ) -> Result<Response<pb::SkipRecurringResponse>, Status> {
        let ctx = RequestContext::from_request(&request)?;
        let key = idempotency::key(&request, &ctx, "RecurringService/SkipRecurring")?;
        let pb::SkipRecurringRequest { recurring_id, expected_version } = request.into_inner();
        let encode: fn(&Recurring) -> Vec<u8> = |recurring| skipped(recurring).encode_to_vec();
        let id = parse_id(&recurring_id)?;
        let stored = self
            .0
            .apply_recurring_action(&ctx, id, RecurringAction::Skip, expected_version, (key, encode))
            .await?;
        idempotency::response(stored, |recurring| skipped(&recurring))
    }
}
