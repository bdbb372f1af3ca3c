use fintrac_kit::access::By;
use fintrac_kit::clock::timestamp;
use fintrac_kit::error::Violation;
use fintrac_kit::idempotency;
use fintrac_kit::mask::named;
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
use crate::service::{ScheduleChanges, Steering};

/// Days of a preview.
const PREVIEW: usize = 10;

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
    let it = input.clone();
    let split = |split: SplitInput| pb::Split {
        category_id: split.category_id,
        amount: split.amount,
        description: split.description,
        ..pb::Split::default()
    };
    pb::CreateTransactionRequest {
        account_id: it.account_id,
        r#type: it.transaction_type,
        amount: it.amount,
        currency_code: it.currency_code,
        category_id: it.category_id,
        to_account_id: it.to_account_id,
        to_amount: it.to_amount,
        description: it.description,
        reference_number: it.reference_number,
        notes: it.notes,
        tags: it.tags,
        transaction_date: None,
        splits: it.splits.into_iter().map(split).collect(),
        recurring: None,
    }
}

impl From<&Recurring> for pb::Recurring {
    fn from(it: &Recurring) -> Self {
        let preview: Vec<_> = it.preview(PREVIEW).into_iter().map(|day| day.to_string()).collect();
        Self {
            id: it.id.to_string(),
            transaction: Some(template(&it.template)),
            schedule: Some((&it.schedule).into()),
            status: it.status.as_str().to_owned(),
            paused_reason: it.paused_reason.clone(),
            next_occurrence: preview.first().cloned(),
            preview,
            last_occurrence: it.last.map(|day| day.to_string()),
            last_transaction_id: it.last_transaction_id.map(|id| id.to_string()),
            created_at: Some(timestamp(it.created_at)),
            updated_at: Some(timestamp(it.updated_at)),
            version: it.version,
        }
    }
}

fn created(it: &Recurring) -> pb::CreateRecurringResponse {
    pb::CreateRecurringResponse { recurring: Some(it.into()) }
}

fn updated(it: &Recurring) -> pb::UpdateRecurringResponse {
    pb::UpdateRecurringResponse { recurring: Some(it.into()) }
}

fn steered(it: &Recurring) -> pb::SteerRecurringResponse {
    pb::SteerRecurringResponse { recurring: Some(it.into()) }
}

fn id(text: &str) -> Result<Uuid, Status> {
    convert::id(text, "recurring transaction")
}

/// The schedule says the days.
fn without_date(request: &pb::CreateTransactionRequest) -> Result<(), Error> {
    let mut violations = Vec::new();
    if request.transaction_date.is_some() {
        let text = "The schedule says the days; send start_date.";
        violations.push(Violation::new("transaction_date", "CONFLICTING", text));
    }
    if request.recurring.is_some() {
        violations.push(Violation::new("recurring", "CONFLICTING", "It recurs already; leave it out."));
    }
    if violations.is_empty() { Ok(()) } else { Err(violations.into()) }
}

#[tonic::async_trait]
impl RecurringService for Rpc {
    async fn list_recurring(
        &self,
        request: Request<pb::ListRecurringRequest>,
    ) -> Result<Response<pb::ListRecurringResponse>, Status> {
        let by = By::of(&request)?;
        let pb::ListRecurringRequest { page_size, page_token } = request.into_inner();
        let page = self.0.list_recurring(&by, page_size, &page_token).await?;
        let recurring = page.rows.iter().map(Into::into).collect();
        let next_page_token = page.next.unwrap_or_default();
        Ok(Response::new(pb::ListRecurringResponse { recurring, next_page_token }))
    }

    async fn create_recurring(
        &self,
        request: Request<pb::CreateRecurringRequest>,
    ) -> Result<Response<pb::CreateRecurringResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "RecurringService/CreateRecurring")?;
        let pb::CreateRecurringRequest { transaction, schedule } = request.into_inner();
        let transaction = transaction.unwrap_or_default();
        without_date(&transaction)?;
        let schedule = schedule.unwrap_or_default().into();
        let encode = |it: &Recurring| created(it).encode_to_vec();
        let kept = self.0.create_recurring(&by, transaction.into(), &schedule, key, encode).await?;
        idempotency::answer(kept, |it| created(&it))
    }

    async fn get_recurring(
        &self,
        request: Request<pb::GetRecurringRequest>,
    ) -> Result<Response<pb::GetRecurringResponse>, Status> {
        let by = By::of(&request)?;
        let it = self.0.get_recurring(&by, id(&request.into_inner().recurring_id)?).await?;
        Ok(Response::new(pb::GetRecurringResponse { recurring: Some((&it).into()) }))
    }

    async fn update_recurring(
        &self,
        request: Request<pb::UpdateRecurringRequest>,
    ) -> Result<Response<pb::UpdateRecurringResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "RecurringService/UpdateRecurring")?;
        let request = request.into_inner();
        let mask = request.update_mask.as_ref();
        let schedule = request.schedule.unwrap_or_default();
        let schedule = ScheduleChanges {
            frequency: named(mask, "frequency").then_some(schedule.frequency),
            interval: named(mask, "interval").then_some(schedule.interval),
            rrule: named(mask, "rrule").then_some(schedule.rrule),
            start_date: named(mask, "start_date").then_some(schedule.start_date),
            end_date: named(mask, "end_date").then_some(schedule.end_date),
            count: named(mask, "count").then_some(schedule.count),
            weekend: named(mask, "weekend").then_some(schedule.weekend),
        };
        let values = request.transaction.unwrap_or_default();
        without_date(&values)?;
        let changes = (convert::transaction_changes(mask, Some(values)), schedule);
        let encode: fn(&Recurring) -> Vec<u8> = |it| updated(it).encode_to_vec();
        let updating = self.0.update_recurring(
            &by,
            id(&request.recurring_id)?,
            changes,
            request.if_version,
            (key, encode),
        );
        idempotency::answer(updating.await?, |it| updated(&it))
    }

    async fn delete_recurring(
        &self,
        request: Request<pb::DeleteRecurringRequest>,
    ) -> Result<Response<pb::DeleteRecurringResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "RecurringService/DeleteRecurring")?;
        let pb::DeleteRecurringRequest { recurring_id, if_version } = request.into_inner();
        self.0.delete_recurring(&by, id(&recurring_id)?, if_version, key).await?;
        Ok(Response::new(pb::DeleteRecurringResponse {}))
    }

    async fn steer_recurring(
        &self,
        request: Request<pb::SteerRecurringRequest>,
    ) -> Result<Response<pb::SteerRecurringResponse>, Status> {
        let by = By::of(&request)?;
        let key = idempotency::key(&request, &by, "RecurringService/SteerRecurring")?;
        let pb::SteerRecurringRequest { recurring_id, if_version, steering } = request.into_inner();
        let steering = match steering.as_str() {
            "pause" => Steering::Pause,
            "resume" => Steering::Resume,
            "skip" => Steering::Skip,
            _ => {
                let text = "Send pause, resume or skip.";
                return Err(Error::from(vec![Violation::new("steering", "WRONG_TYPE", text)]).into());
            }
        };
        let encode: fn(&Recurring) -> Vec<u8> = |it| steered(it).encode_to_vec();
        let id = id(&recurring_id)?;
        let kept = self.0.steer_recurring(&by, id, steering, if_version, (key, encode)).await?;
        idempotency::answer(kept, |it| steered(&it))
    }
}
