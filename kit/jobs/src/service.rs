use fintrac_proto::jobs::v1 as pb;
use fintrac_proto::jobs::v1::job_service_server::{JobService, JobServiceServer};
use kit_access::Caller;
use kit_core::clock::{Clock, timestamp};
use kit_core::error::RpcError;
use sqlx::PgPool;
use tonic::{Request, Response, Status};

use super::state::{self, FailedJob, JobState};

/// The jobs and queues of one service, or of several, over gRPC.
#[derive(Debug, Clone)]
pub struct Jobs {
    clock: Clock,
    services: Vec<ServiceQueues>,
}

#[derive(Debug, Clone)]
struct ServiceQueues {
    name: &'static str,
    pool: PgPool,
    queues: &'static [&'static str],
}

impl Jobs {
    /// Creates the RPC service for the jobs and queues of the service `name`.
    pub fn new(name: &'static str, pool: PgPool, queues: &'static [&'static str], clock: Clock) -> Self {
        Self { clock, services: vec![ServiceQueues { name, pool, queues }] }
    }

    /// Adds the jobs and queues of `other`.
    #[must_use]
    pub fn merge(mut self, other: Self) -> Self {
        self.services.extend(other.services);
        self
    }

    /// Converts this into a gRPC service.
    pub fn into_service(self) -> JobServiceServer<Self> {
        JobServiceServer::new(self)
    }

    async fn list(&self) -> Result<Vec<pb::Job>, sqlx::Error> {
        let now = self.clock.now();
        let mut jobs = Vec::new();
        for service in &self.services {
            let states = state::list(&mut *service.pool.acquire().await?, service.queues, now).await?;
            jobs.extend(states.into_iter().map(|state| job(service.name, state)));
        }
        Ok(jobs)
    }

    /// Makes the job due in each service that has it; returns whether one has it.
    async fn run_now(&self, name: &str) -> Result<bool, sqlx::Error> {
        let mut is_known = false;
        for service in &self.services {
            is_known |= state::run_now(&mut *service.pool.acquire().await?, name, self.clock.now()).await?;
        }
        Ok(is_known)
    }

    async fn list_failed(&self) -> Result<Vec<pb::FailedJob>, sqlx::Error> {
        let mut jobs = Vec::new();
        for service in &self.services {
            let failed = state::list_failed(&mut *service.pool.acquire().await?).await?;
            jobs.extend(failed.into_iter().map(|job| failed_job(service.name, job)));
        }
        Ok(jobs)
    }

    /// Makes jobs that were given up due again; `None` if no service has the queue.
    async fn retry_failed(&self, queue: &str, keys: &[String]) -> Result<Option<u64>, sqlx::Error> {
        let mut retried = None;
        for service in self.services.iter().filter(|service| service.queues.contains(&queue)) {
            let mut connection = service.pool.acquire().await?;
            let count = state::retry_failed(&mut connection, queue, keys, self.clock.now()).await?;
            retried = Some(retried.unwrap_or_default() + count);
        }
        Ok(retried)
    }
}

fn job(service: &str, state: JobState) -> pb::Job {
    pb::Job {
        service: service.to_owned(),
        name: state.name,
        is_running: state.is_running,
        finished_at: state.finished_at.map(timestamp),
        due_at: state.due_at.map(timestamp),
        failures: state.failures,
        last_error: state.last_error.unwrap_or_default(),
        backlog: state.backlog,
    }
}

fn failed_job(service: &str, job: FailedJob) -> pb::FailedJob {
    pb::FailedJob {
        service: service.to_owned(),
        queue: job.queue,
        key: job.key,
        attempts: job.attempts,
        last_error: job.last_error,
        failed_at: Some(timestamp(job.failed_at)),
    }
}

#[tonic::async_trait]
impl JobService for Jobs {
    async fn list_jobs(
        &self,
        _request: Request<pb::ListJobsRequest>,
    ) -> Result<Response<pb::ListJobsResponse>, Status> {
        let jobs = self.list().await.map_err(|error| kit_db::error_status(&error))?;
        Ok(Response::new(pb::ListJobsResponse { jobs }))
    }

    async fn run_job(
        &self,
        request: Request<pb::RunJobRequest>,
    ) -> Result<Response<pb::RunJobResponse>, Status> {
        let actor = Caller::from_request(&request).origin().actor;
        let name = request.into_inner().name;
        if !self.run_now(&name).await.map_err(|error| kit_db::error_status(&error))? {
            return Err(RpcError::not_found("job").into());
        }
        tracing::info!(job = name, actor, "job requested");
        Ok(Response::new(pb::RunJobResponse {}))
    }

    async fn list_failed_jobs(
        &self,
        _request: Request<pb::ListFailedJobsRequest>,
    ) -> Result<Response<pb::ListFailedJobsResponse>, Status> {
        let jobs = self.list_failed().await.map_err(|error| kit_db::error_status(&error))?;
        Ok(Response::new(pb::ListFailedJobsResponse { jobs }))
    }

    async fn retry_failed_jobs(
        &self,
        request: Request<pb::RetryFailedJobsRequest>,
    ) -> Result<Response<pb::RetryFailedJobsResponse>, Status> {
        let actor = Caller::from_request(&request).origin().actor;
        let pb::RetryFailedJobsRequest { queue, keys } = request.into_inner();
        let retried = self.retry_failed(&queue, &keys).await.map_err(|error| kit_db::error_status(&error))?;
        let retried = retried.ok_or_else(|| RpcError::not_found("queue"))?;
        tracing::info!(queue, retried, actor, "failed jobs retried");
        Ok(Response::new(pb::RetryFailedJobsResponse { retried }))
    }
}
