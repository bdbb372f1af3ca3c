//! Administrators: their permissions and limits.

use auth_svc::AdminCreated;
use fintrac_proto::auth::v1 as pb;
use tonic::Status;

use crate::support::{Auth, PASSWORD, Session, error_reason};

async fn patch(
    session: &Session<'_>,
    user_id: &str,
    request: pb::UpdateUserRequest,
) -> Result<pb::ManagedUser, Status> {
    let request = pb::UpdateUserRequest { user_id: user_id.to_owned(), ..request };
    Ok(session.call(session.admin().update_user(request)).await?.into_inner().user.expect("a user"))
}

fn lock(is_locked: bool) -> pb::UpdateUserRequest {
    pb::UpdateUserRequest { is_locked: Some(is_locked), ..Default::default() }
}

fn roles(names: &[&str]) -> pb::UpdateUserRequest {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    pb::UpdateUserRequest { roles: Some(pb::RoleNames { names }), ..Default::default() }
}

async fn create_role(session: &Session<'_>, name: &str, permissions: &[&str]) -> Result<pb::Role, Status> {
    let permissions = permissions.iter().map(|permission| (*permission).to_owned()).collect();
    let request = pb::CreateRoleRequest { name: name.to_owned(), permissions };
    Ok(session.call(session.admin().create_role(request)).await?.into_inner().role.expect("a role"))
}

#[tokio::test]
async fn an_operator_creates_the_first_administrator() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let before = auth.session("ana@example.com").await;
    assert!(matches!(auth.make_admin("ANA@example.com").await, AdminCreated::Promoted));
    assert_eq!(before.wait_for_rejection().await, "SESSION_ENDED", "the old tokens name the old roles");
    let after = auth.session("ana@example.com").await;
    assert_eq!(auth.me(&after.tokens.access_token).await.expect("me").roles, ["admin", "user"]);
    assert!(matches!(auth.make_admin("ana@example.com").await, AdminCreated::AlreadyAdmin));
    let AdminCreated::Created { token } = auth.make_admin("root@example.com").await else {
        panic!("expected AdminCreated::Created")
    };
    assert_eq!(error_reason(auth.login("root@example.com", PASSWORD).await), "INVALID_CREDENTIALS");
    let request = pb::ResetPasswordRequest { token, new_password: PASSWORD.into(), ..Default::default() };
    auth.identity().reset_password(request).await.expect("the link sets the password");
    let root = auth.session("root@example.com").await;
    root.call(root.admin().list_roles(pb::ListRolesRequest {})).await.expect("an administrator");
}

#[tokio::test]
async fn users_are_found_by_address_name_status_and_role() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    auth.user("ana_x@example.com").await;
    auth.user("anaxx@example.com").await;
    auth.register(crate::support::ana("unverified@example.com")).await.expect("registered");
    let find = async |request: pb::ListUsersRequest| {
        let response = admin.call(admin.admin().list_users(request)).await?.into_inner();
        let emails: Vec<_> = response.users.into_iter().map(|user| user.email).collect();
        Ok::<_, Status>((emails.join(" "), response.next_page_token))
    };
    let by_query = |query: &str| pb::ListUsersRequest { query: query.into(), ..Default::default() };
    assert_eq!(find(by_query("ANA")).await.expect("a list").0, "anaxx@example.com ana_x@example.com");
    assert_eq!(
        find(by_query("ana_")).await.expect("a list").0,
        "ana_x@example.com",
        "an underscore is not a wildcard"
    );
    assert_eq!(find(by_query(&admin.user_id)).await.expect("a list").0, "admin@example.com");
    let status = |status: &str| pb::ListUsersRequest { status: status.into(), ..Default::default() };
    assert_eq!(find(status("unverified")).await.expect("a list").0, "unverified@example.com");
    assert_eq!(error_reason(find(status("odd")).await), "QUERY_INVALID");
    let role = pb::ListUsersRequest { role: "admin".into(), ..Default::default() };
    assert_eq!(find(role).await.expect("a list").0, "admin@example.com");
    let first = pb::ListUsersRequest { page_size: Some(3), ..Default::default() };
    let (page, token) = find(first.clone()).await.expect("a page");
    assert_eq!(page.split(' ').count(), 3);
    let (rest, end) =
        find(pb::ListUsersRequest { page_token: token.clone(), ..first }).await.expect("a page");
    assert_eq!((rest.as_str(), end.as_str()), ("admin@example.com", ""));
    let other = pb::ListUsersRequest { page_token: token, ..by_query("ana") };
    assert_eq!(
        error_reason(find(other).await),
        "QUERY_INVALID",
        "a page token is valid for its filters only"
    );
}

#[tokio::test]
async fn a_locked_user_is_rejected_like_an_unknown_one() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    auth.user("ana@example.com").await;
    let ana = auth.session("ana@example.com").await;
    let locked = patch(&admin, &ana.user_id, lock(true)).await.expect("locked");
    assert_eq!((locked.status.as_str(), locked.open_sessions), ("locked", 0));
    assert_eq!(ana.wait_for_rejection().await, "SESSION_ENDED");
    let right = auth.login("ana@example.com", PASSWORD).await.expect_err("locked");
    let unknown = auth.login("unknown@example.com", PASSWORD).await.expect_err("unknown");
    assert_eq!(
        (right.code(), right.message(), right.details()),
        (unknown.code(), unknown.message(), unknown.details())
    );
    let forgot = pb::ForgotPasswordRequest { email: "ana@example.com".into() };
    auth.from("192.0.2.1", auth.identity().forgot_password(forgot)).await.expect("the request is accepted");
    assert_eq!(
        auth.text("select count(*)::text from auth.challenges where purpose = 'reset_password'").await,
        "0"
    );
    auth.operator(&[]).await.create_admin("ana@example.com").await.expect_err("locked");
    patch(&admin, &ana.user_id, lock(false)).await.expect("unlocked");
    let ana = auth.session("ana@example.com").await;
    let request = pb::ListUserSecurityEventsRequest::default();
    let own = ana.call(ana.security().list_user_security_events(request)).await.expect("a list").into_inner();
    let lock = own.events.iter().find(|event| event.kind == "locked").expect("a security event");
    assert_eq!(
        (lock.client_ip.as_str(), lock.user_agent.as_str()),
        ("", ""),
        "the client of the administrator is not revealed"
    );
    let recorded = "select string_agg(kind, ' ' order by position) from auth.events
                where entity = 'user' and kind in ('locked', 'unlocked')";
    assert_eq!(auth.text(recorded).await, "locked unlocked");
    let actor = "select distinct actor from auth.events where kind = 'locked'";
    assert_eq!(auth.text(actor).await, admin.user_id);
    let ended = pb::UpdateUserRequest { end_sessions: true, ..Default::default() };
    let bo = auth.session("ana@example.com").await;
    patch(&admin, &bo.user_id, ended).await.expect("ended");
    assert_eq!(bo.wait_for_rejection().await, "SESSION_ENDED");
}

#[tokio::test]
async fn the_last_administrator_cannot_be_removed() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    assert_eq!(error_reason(patch(&admin, &admin.user_id, roles(&["user"])).await), "LAST_ADMIN");
    let request = pb::DeleteCurrentUserRequest { password: PASSWORD.into(), ..Default::default() };
    assert_eq!(
        error_reason(admin.call(admin.users().delete_current_user(request.clone())).await),
        "LAST_ADMIN"
    );
    assert_eq!(
        error_reason(patch(&admin, &admin.user_id, lock(true)).await),
        "VALIDATION_FAILED",
        "administrators cannot lock themselves"
    );
    let second = auth.admin("second@example.com").await;
    // Two administrators remove the role from each other concurrently; one of them keeps it.
    let (one, two) = tokio::join!(
        patch(&admin, &second.user_id, roles(&["user"])),
        patch(&second, &admin.user_id, roles(&["user"])),
    );
    let rejected = [one, two].into_iter().filter_map(Result::err).count();
    assert_eq!(rejected, 1);
    let admins = "select count(*)::text from auth.user_roles where role = 'admin'";
    assert_eq!(auth.text(admins).await, "1");
}

#[tokio::test]
async fn role_changes_apply_at_once_and_permissions_are_checked_again() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    auth.user("ana@example.com").await;
    let ana = auth.session("ana@example.com").await;
    let list = pb::ListUsersRequest::default;
    assert_eq!(error_reason(ana.call(ana.admin().list_users(list())).await), "PERMISSION_DENIED");
    patch(&admin, &ana.user_id, roles(&["user", "support"])).await.expect("support");
    assert_eq!(ana.wait_for_rejection().await, "SESSION_ENDED");
    let ana = auth.session("ana@example.com").await;
    ana.call(ana.admin().list_users(list())).await.expect("support may list users");
    // Support may lock users, but may neither grant roles nor change administrators.
    assert_eq!(error_reason(patch(&ana, &admin.user_id, lock(true)).await), "PERMISSION_DENIED");
    assert_eq!(error_reason(patch(&ana, &ana.user_id, roles(&["admin"])).await), "PERMISSION_DENIED");
    let rejected = ana.call(ana.admin().list_ip_rules(pb::ListIpRulesRequest::default())).await;
    assert_eq!(error_reason(rejected), "PERMISSION_DENIED");
    assert_eq!(error_reason(patch(&admin, &ana.user_id, roles(&["nonsense"])).await), "VALIDATION_FAILED");
    assert_eq!(error_reason(patch(&admin, "nonsense", lock(true)).await), "NOT_FOUND");
}

#[tokio::test]
async fn a_changed_custom_role_applies_to_issued_tokens() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    let role = create_role(&admin, "Reader", &["profile:read", "users:read"]).await.expect("a role");
    assert_eq!((role.name.as_str(), role.version), ("reader", 1));
    assert_eq!(
        error_reason(create_role(&admin, "reader", &[]).await),
        "VALIDATION_FAILED",
        "the name is taken"
    );
    assert_eq!(error_reason(create_role(&admin, "user", &[]).await), "VALIDATION_FAILED");
    assert_eq!(error_reason(create_role(&admin, "other", &["money:print"]).await), "VALIDATION_FAILED");
    auth.user("ana@example.com").await;
    let ana = auth.session("ana@example.com").await;
    patch(&admin, &ana.user_id, roles(&["reader"])).await.expect("a reader");
    ana.wait_for_rejection().await;
    // The role takes effect once the trust updates contain it.
    let ana = auth.session("ana@example.com").await;
    ana.call(ana.admin().list_users(pb::ListUsersRequest::default())).await.expect("reads");
    let request = pb::ChangePasswordRequest::default();
    assert_eq!(error_reason(ana.call(ana.users().change_password(request)).await), "PERMISSION_DENIED");
    let update = async |permissions: &[&str], version| {
        let permissions = permissions.iter().map(|permission| (*permission).to_owned()).collect();
        let request = pb::UpdateRoleRequest { name: "reader".into(), expected_version: version, permissions };
        admin.call(admin.admin().update_role(request)).await
    };
    assert_eq!(error_reason(update(&[], Some(9)).await), "VERSION_MISMATCH");
    update(&["profile:read"], Some(1)).await.expect("narrowed");
    let narrowed = async {
        while ana.call(ana.admin().list_users(pb::ListUsersRequest::default())).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_mins(1), narrowed)
        .await
        .expect("the change applies to issued tokens");
    let delete = async || {
        let request = pb::DeleteRoleRequest { name: "reader".into(), expected_version: None };
        admin.call(admin.admin().delete_role(request)).await
    };
    assert_eq!(error_reason(delete().await), "ROLE_IN_USE");
    patch(&admin, &ana.user_id, roles(&["user"])).await.expect("a user");
    delete().await.expect("deleted");
    let built_in = pb::UpdateRoleRequest { name: "user".into(), ..Default::default() };
    assert_eq!(error_reason(admin.call(admin.admin().update_role(built_in)).await), "ROLE_BUILT_IN");
}

#[tokio::test]
async fn users_cannot_grant_permissions_they_lack() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    create_role(
        &admin,
        "keeper",
        &["profile:read", "roles:read", "roles:write", "users:read", "users:write"],
    )
    .await
    .expect("a role");
    auth.user("ana@example.com").await;
    auth.user("bo@example.com").await;
    let ana_id = auth.session("ana@example.com").await.user_id;
    let bo_id = auth.session("bo@example.com").await.user_id;
    patch(&admin, &bo_id, roles(&[])).await.expect("no roles");
    patch(&admin, &ana_id, roles(&["keeper"])).await.expect("a keeper");
    let ana = auth.session("ana@example.com").await;
    assert_eq!(error_reason(patch(&ana, &bo_id, roles(&["admin"])).await), "PERMISSION_DENIED");
    assert_eq!(error_reason(create_role(&ana, "sneaky", &["ip_rules:write"]).await), "PERMISSION_DENIED");
    let request = pb::UpdateRoleRequest {
        name: "keeper".into(),
        permissions: vec!["audit:read".into()],
        ..Default::default()
    };
    assert_eq!(error_reason(ana.call(ana.admin().update_role(request)).await), "PERMISSION_DENIED");
    create_role(&ana, "looker", &["users:read"]).await.expect("a subset of the caller's permissions");
    patch(&ana, &bo_id, roles(&["looker"])).await.expect("the role is granted");
}

#[tokio::test]
async fn the_number_of_roles_of_a_user_is_limited() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    auth.user("ana@example.com").await;
    let ana_id = auth.session("ana@example.com").await.user_id;
    let many: Vec<_> = (0..21).map(|number| format!("role-{number}")).collect();
    let many: Vec<_> = many.iter().map(String::as_str).collect();
    assert_eq!(error_reason(patch(&admin, &ana_id, roles(&many)).await), "VALIDATION_FAILED");
    patch(&admin, &ana_id, roles(&["user"; 1000])).await.expect("duplicates count once");
}

#[tokio::test]
async fn unverified_users_cannot_receive_roles() {
    let auth = Auth::start().await;
    let admin = auth.admin("admin@example.com").await;
    auth.register(crate::support::ana("ana@example.com")).await.expect("registered");
    let ana_id = auth.text("select id::text from auth.users where email = 'ana@example.com'").await;
    assert_eq!(error_reason(patch(&admin, &ana_id, roles(&["admin"])).await), "PERMISSION_DENIED");
}

#[tokio::test]
async fn an_operator_removes_a_lost_second_factor() {
    let auth = Auth::start().await;
    auth.user("ana@example.com").await;
    let operator = auth.operator(&[]).await;
    assert!(!operator.remove_mfa("ana@example.com").await.expect("nothing to remove"));
    auth.session("ana@example.com").await.enroll().await;
    let enrolled =
        "select count(*)::text from auth.events where entity = 'second_factor' and kind = 'enrolled'";
    assert_eq!(auth.text(enrolled).await, "1");
    assert!(operator.remove_mfa("ana@example.com").await.expect("removed"));
    auth.login("ana@example.com", PASSWORD).await.expect("the password is enough");
    assert_eq!(auth.text("select actor from auth.events where kind = 'mfa_disabled'").await, "operator");
    operator.remove_mfa("unknown@example.com").await.expect_err("the user does not exist");
}
