//! The declaration of the personal data in a service's schema.
//!
//! It is compiled to the queries of the export and to the SQL function `redact_personal_data` of
//! the erasure. A test of each service compares it with the schema (`kit_testing::find_undeclared`): a
//! new column that can hold personal data fails it until it is declared.

/// The personal data in a schema.
#[derive(Debug)]
pub struct PersonalData {
    /// Sections of the export, in order.
    pub sections: &'static [Section],
    /// Steps of the erasure, in order: referencing tables come before the tables they reference.
    pub erasure: &'static [ErasureStep],
    /// Columns that an erasure retains: the table, its columns and the reason.
    pub retained: &'static [(&'static str, &'static [&'static str], &'static str)],
    /// Tables, or columns as `table.column`, that are not exported, and the reason.
    pub not_exported: &'static [(&'static [&'static str], &'static str)],
}

impl PersonalData {
    /// The declaration of a schema without personal data.
    pub const NONE: Self = Self { sections: &[], erasure: &[], retained: &[], not_exported: &[] };

    /// Compiles the erasure to the function `redact_personal_data` of `schema`.
    ///
    /// A call changes at most `max_rows` rows, step by step, and returns their number; callers
    /// repeat it until it is zero. The application role cannot change most of these rows; the
    /// function runs as their owner.
    pub(crate) fn redaction_function(&self, schema: &str) -> String {
        let mut body = String::new();
        for statement in self.erasure.iter().flat_map(|step| step.statements(schema)) {
            body += &statement;
            body += "get diagnostics affected = row_count;
                     remaining := remaining - affected;
                     if remaining <= 0 then return max_rows - remaining; end if;";
        }
        format!(
            "create or replace function {schema}.redact_personal_data(
                 subject_user_id uuid, subject_household_id uuid, redacted_at timestamptz, max_rows int
             ) returns int language plpgsql security definer set search_path = {schema}, pg_temp as $function$
             declare
                 remaining int := max_rows;
                 affected int;
             begin
                 {body}
                 return max_rows - remaining;
             end $function$"
        )
    }
}

/// The condition by which a row belongs to a user or to the user's household.
#[derive(Debug, Clone, Copy)]
pub enum Owner {
    /// `user_id` is the user's id.
    User,
    /// `household_id` is the household's id.
    Household,
    /// An SQL condition on `{user}` or `{household}`.
    Condition(&'static str),
}

impl Owner {
    fn condition(self, user: &str, household: &str) -> String {
        let template = match self {
            Self::User => "user_id = {user}",
            Self::Household => "household_id = {household}",
            Self::Condition(template) => template,
        };
        template.replace("{user}", user).replace("{household}", household)
    }
}

/// Fails the compilation of a declaration without owners, or with one that names no subject.
const fn assert_owners(owners: &[Owner]) {
    assert!(!owners.is_empty(), "rows must have an owner");
    let mut rest = owners;
    while let [owner, others @ ..] = rest {
        if let Owner::Condition(template) = owner {
            let mut text = template.as_bytes();
            while !matches!(text, [b'{', ..]) {
                let [_, tail @ ..] = text else { panic!("a condition must name the user or the household") };
                text = tail;
            }
        }
        rest = others;
    }
}

/// A section of the export.
#[derive(Debug, Clone, Copy)]
pub struct Section {
    /// Name of the section.
    pub name: &'static str,
    from: &'static str,
    owners: &'static [Owner],
    id: &'static str,
    number: Option<&'static str>,
    fields: &'static str,
    merged: Option<&'static str>,
}

impl Section {
    /// Declares a section of the table with the same name, without its schema.
    /// A row of several `owners` is exported once.
    pub const fn new(name: &'static str, owners: &'static [Owner]) -> Self {
        assert_owners(owners);
        Self { name, from: name, owners, id: "id", number: None, fields: "", merged: None }
    }

    /// Sets another table.
    #[must_use]
    pub const fn from(self, from: &'static str) -> Self {
        Self { from, ..self }
    }

    /// Sets the column by which rows are sorted, unless it is `id`.
    #[must_use]
    pub const fn by(self, id: &'static str) -> Self {
        Self { id, ..self }
    }

    /// Sets the column that sorts rows with the same id.
    #[must_use]
    pub const fn then_by(self, number: &'static str) -> Self {
        Self { number: Some(number), ..self }
    }

    /// Sets the exported fields, an SQL select list.
    /// `$1` is the user's id, `$2` the household's and `$5` the current time.
    #[must_use]
    pub const fn fields(self, fields: &'static str) -> Self {
        Self { fields, ..self }
    }

    /// Adds the fields of a JSON document, an SQL expression.
    #[must_use]
    pub const fn merge(self, merged: &'static str) -> Self {
        Self { merged: Some(merged), ..self }
    }

    /// Compiles the query of up to `page_size` rows after `$3` (id) and `$4` (number).
    pub fn sql(&self, schema: &str, page_size: usize) -> String {
        let Self { from, id, fields, .. } = self;
        let merged = self.merged.map(|merged| format!(" || {merged}")).unwrap_or_default();
        let (number, key, after) = match self.number {
            None => ("0::int8", (*id).to_owned(), "$3"),
            Some(number) => (number, format!("{id}, {number}"), "$3, $4"),
        };
        let selects = self.owners.iter().map(|owner| {
            let owner = owner.condition("$1", "$2");
            format!(
                "(select {id} as id, {number} as number,
                      (select to_jsonb(record){merged} from (select {fields}) as record)::text as json
                  from {schema}.{from} where {owner} and ({key}) > ({after}) order by {key} limit {page_size})"
            )
        });
        let rows = selects.collect::<Vec<_>>().join(" union ");
        format!("select id, number, json from ({rows}) as page order by id, number limit {page_size}")
    }
}

/// A step of the erasure, on the rows of one table.
#[derive(Debug, Clone, Copy)]
pub struct ErasureStep {
    /// Table without its schema.
    pub table: &'static str,
    /// Replaced columns and their replacements as SQL; none if the rows are deleted.
    pub replaced: Option<&'static [(&'static [&'static str], &'static str)]>,
    owners: &'static [Owner],
    key: &'static str,
    also: &'static str,
}

impl ErasureStep {
    /// Declares that rows are deleted.
    /// The columns of `key` identify a row among those of its owner.
    pub const fn delete(table: &'static str, owners: &'static [Owner], key: &'static str) -> Self {
        assert_owners(owners);
        Self { table, replaced: None, owners, key, also: "" }
    }

    /// Declares that rows are kept without some of their values.
    pub const fn redact(table: &'static str, owners: &'static [Owner], key: &'static str) -> Self {
        assert_owners(owners);
        Self { table, replaced: Some(&[]), owners, key, also: "" }
    }

    /// Sets the columns to replace, in rows in which they are not replaced yet.
    #[must_use]
    pub const fn replace(self, replaced: &'static [(&'static [&'static str], &'static str)]) -> Self {
        Self { replaced: Some(replaced), ..self }
    }

    /// Adds assignments to further columns of the same rows; `redacted_at` is the current time.
    #[must_use]
    pub const fn also(self, also: &'static str) -> Self {
        Self { also, ..self }
    }

    /// Compiles one statement per owner.
    fn statements(&self, schema: &str) -> impl Iterator<Item = String> {
        let Self { key, also, .. } = self;
        let table = format!("{schema}.{}", self.table);
        let (change, pending) = match self.replaced {
            None => (format!("delete from {table}"), "true".to_owned()),
            Some(replaced) => {
                let list = |operator: &str| -> Vec<String> {
                    let term = |column: &&str, value: &str| format!("{column} {operator} ({value})");
                    replaced
                        .iter()
                        .flat_map(|(columns, value)| columns.iter().map(move |column| term(column, value)))
                        .collect()
                };
                let mut assignments = list("=");
                assignments.extend((!also.is_empty()).then(|| (*also).to_owned()));
                let change = format!("update {table} set {}", assignments.join(", "));
                (change, list("is distinct from").join(" or "))
            }
        };
        self.owners.iter().map(move |owner| {
            let owner = owner.condition("subject_user_id", "subject_household_id");
            format!(
                "{change} where {owner} and ({key}) in (
                     select {key} from {table} where {owner} and ({pending}) limit remaining);"
            )
        })
    }
}
