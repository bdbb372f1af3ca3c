//! Tests of the export and the erasure that a declaration of personal data is compiled to.

use std::sync::LazyLock;

use fintrac_proto::common::v1::ExportRequest;
use fintrac_proto::common::v1::export_service_client::ExportServiceClient;
use futures::TryStreamExt as _;
use kit_core::clock::Clock;
use kit_db::Schema;
use kit_db::personal_data::{ErasureStep, Owner, PersonalData, Section};
use kit_service::export::Exports;
use kit_service::module::ServiceModule;
use kit_testing::{TestDatabase, TestService, TestUser, deps, find_undeclared};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Decode, PgPool, Postgres, SqlStr, Type};

use crate::support::clock;

const HOUSEHOLD: &[Owner] = &[Owner::Household];

const DECLARED: PersonalData = PersonalData {
    sections: &[
        Section::new("notes", HOUSEHOLD).fields("id, body as text"),
        Section::new("lines", HOUSEHOLD).by("note_id").then_by("number").fields("note_id, number"),
        Section::new("entries", &[Owner::User, Owner::Condition("actor = {user}::text")])
            .from("log")
            .fields("kind"),
    ],
    erasure: &[
        ErasureStep::delete("lines", HOUSEHOLD, "note_id, number"),
        ErasureStep::redact("notes", HOUSEHOLD, "id")
            .replace(&[(&["body"], "'erased ' || id")])
            .also("erased_at = redacted_at"),
    ],
    retained: &[("log", &["actor", "kind"], "ids and names")],
    not_exported: &[],
};

static TABLES: LazyLock<Migrator> = LazyLock::new(|| {
    let sql = "create table diary.notes (household_id uuid, id uuid, body text, erased_at timestamptz);
               create table diary.lines (household_id uuid, note_id uuid, number bigint);
               create table diary.log (id uuid default gen_random_uuid(), user_id uuid, actor text, kind text);";
    let sql = SqlStr::from_static(sql);
    Migrator::with_migrations(vec![Migration::new(1, "tables".into(), MigrationType::Simple, sql, false)])
});

fn diary() -> Schema {
    Schema {
        name: "diary",
        migrator: &TABLES,
        grants: &[("notes", "select, insert"), ("lines", "select, insert"), ("log", "select, insert")],
        personal_data: &DECLARED,
    }
}

/// Creates two users, each with 150 notes of two lines, and a log of three entries.
async fn start(clock: &Clock) -> (PgPool, TestUser, TestUser) {
    let pool = TestDatabase::new(&[&diary()], clock).await.pool(&diary(), clock).await;
    let (ana, bo) = (TestUser::new(clock), TestUser::new(clock));
    let sql = format!(
        "insert into diary.notes select household::uuid, gen_random_uuid(), 'text ' || n
         from unnest(array['{}', '{}']) as household, generate_series(1, 150) as n;
         insert into diary.lines select household_id, id, n from diary.notes, generate_series(1, 2) as n;
         insert into diary.log (user_id, actor, kind) values
             ('{ana}', '{ana}', 'by oneself'), ('{bo}', '{ana}', 'to another'), ('{bo}', '{bo}', 'of another');",
        ana.household_id,
        bo.household_id,
        ana = ana.user_id,
        bo = bo.user_id,
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&pool).await.expect("inserted");
    (pool, ana, bo)
}

async fn query<T: for<'r> Decode<'r, Postgres> + Type<Postgres> + Send + Unpin>(
    pool: &PgPool,
    sql: &str,
) -> T {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(pool).await.expect("a value")
}

#[tokio::test]
async fn an_export_has_every_row_of_its_owner_once_and_no_other() {
    let clock = clock();
    let (pool, ana, _bo) = start(&clock).await;
    let deps = deps(&pool, &clock);
    let mut module = ServiceModule::new("diary", &deps, &[], &[]);
    module.add_exports(Exports::new(&deps, &diary(), |section, row| Ok(format!("{section} {row}"))));
    let service = TestService::fake("diary", module.routes, &clock);
    let mut client = ExportServiceClient::new(service.transport("gateway"));
    let stream = ana.call(client.export(ExportRequest {})).await.expect("a stream").into_inner();
    let pages: Vec<_> = stream.try_collect().await.expect("a complete export");
    let mut exported: Vec<String> =
        pages.into_iter().flat_map(|page| page.records).map(|record| record.json).collect();
    assert_eq!(exported.len(), 3 + 150 + 300 + 2, "each section begins with an empty record");
    assert_eq!([0, 151, 452].map(|start| exported[start].as_str()), ["", "", ""]);
    // Rows are sorted by id and number; the log has random ids.
    exported[453..].sort();
    let expected = format!(
        "select jsonb_build_array('') || (
             select jsonb_agg('notes ' || jsonb_build_object('id', id, 'text', body)::text order by id)
             from diary.notes where household_id = '{0}'
         ) || jsonb_build_array('') || (
             select jsonb_agg('lines ' || jsonb_build_object('note_id', note_id, 'number', number)::text
                 order by note_id, number)
             from diary.lines where household_id = '{0}'
         ) || jsonb_build_array('')",
        ana.household_id
    );
    let expected: serde_json::Value = query(&pool, &expected).await;
    assert_eq!(serde_json::json!(exported[..453]), expected);
    assert_eq!(exported[453..], [r#"entries {"kind": "by oneself"}"#, r#"entries {"kind": "to another"}"#]);
}

#[tokio::test]
async fn an_erasure_changes_bounded_batches_of_its_subjects_rows() {
    let (pool, ana, bo) = start(&clock()).await;
    let denied = sqlx::query("update diary.notes set body = ''").execute(&pool).await.expect_err("denied");
    assert!(denied.to_string().contains("permission denied"), "{denied}");
    let batch = |household: &str| {
        format!("select redact_personal_data('{}', {household}, '2026-09-21', 100)", ana.user_id)
    };
    let batches = async |household: &str| {
        let mut batches: Vec<i32> = Vec::new();
        while batches.last() != Some(&0) {
            batches.push(query(&pool, &batch(household)).await);
        }
        batches
    };
    assert_eq!(batches("null").await, [0], "without a household");
    assert_eq!(batches(&format!("'{}'", ana.household_id)).await, [100, 100, 100, 100, 50, 0]);
    for (user, expected) in [(&ana, "0 150"), (&bo, "300 0")] {
        let left = format!(
            "select (select count(*) from diary.lines where household_id = '{0}') || ' ' ||
                    (select count(*) from diary.notes
                     where household_id = '{0}' and body = 'erased ' || id and erased_at = '2026-09-21')",
            user.household_id
        );
        assert_eq!(query::<String>(&pool, &left).await, expected);
    }
}

#[tokio::test]
async fn an_undeclared_column_is_found() {
    assert_eq!(find_undeclared(&diary()).await, Vec::<String>::new());
    let undeclared = Schema { personal_data: &PersonalData::NONE, ..diary() };
    let expected = [
        "lines: declare whether it is exported",
        "log.actor: declare whether it is erased or retained",
        "log.kind: declare whether it is erased or retained",
        "log: declare whether it is exported",
        "notes.body: declare whether it is erased or retained",
        "notes: declare whether it is exported",
    ];
    assert_eq!(find_undeclared(&undeclared).await, expected);
    let unexported = PersonalData { sections: &[], retained: &[("log", &["gone"], "no column")], ..DECLARED };
    let unexported = Schema { personal_data: Box::leak(Box::new(unexported)), ..diary() };
    let problems = find_undeclared(&unexported).await;
    for problem in ["notes.body: declare whether it is exported", "log.gone: it does not exist"] {
        assert!(problems.iter().any(|found| found == problem), "{problem} is not in {problems:?}");
    }
}
