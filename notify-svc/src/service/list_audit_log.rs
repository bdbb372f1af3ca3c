//! Lists the audit log: for the caller, and for administrators.

use kit_access::RequestContext;
use kit_core::pagination::{Cursor, Page, PageRequest};

use super::Inbox;
use crate::error::Error;
use crate::store::changes::{self, AuditLogEntry, AuditLogFilter};

impl Inbox {
    /// Lists the entries that concern the caller, newest first.
    pub async fn list_user_audit_log(
        &self,
        ctx: &RequestContext,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<AuditLogEntry>, Error> {
        let page = PageRequest::new(size, token, "my audit log")?;
        let before = page.after.map(|cursor| cursor.id);
        let (user_id, household_id) = (ctx.principal.user_id, ctx.principal.household_id);
        let mut connection = self.pool.acquire().await?;
        let rows = changes::list_user_audit_log(&mut connection, user_id, household_id, before, page.limit())
            .await?;
        Ok(page.paginate(rows, |row| Cursor::from_id(row.id)))
    }

    /// Lists the entries of all users, newest first.
    pub async fn list_audit_log(
        &self,
        filter: &AuditLogFilter,
        size: Option<i32>,
        token: &str,
    ) -> Result<Page<AuditLogEntry>, Error> {
        let page = PageRequest::new(size, token, &format!("audit log {filter:?}"))?;
        let before = page.after.map(|cursor| cursor.id);
        let mut connection = self.pool.acquire().await?;
        let rows = changes::list_audit_log(&mut connection, filter, before, page.limit()).await?;
        Ok(page.paginate(rows, |row| Cursor::from_id(row.id)))
    }
}
