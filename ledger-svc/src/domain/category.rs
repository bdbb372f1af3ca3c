//! Categories of income and expense.

use chrono::{DateTime, Utc};
use kit_core::error::{FieldCode, FieldViolation};
use kit_core::text;
use strum::{EnumString, IntoStaticStr};
use uuid::Uuid;

use super::changes::Changes;
use super::{parse, require};

const MAX_NAME_CHARS: usize = 100;
const MAX_ICON_CHARS: usize = 50;

#[derive(Debug, Clone, Copy, PartialEq, Eq, EnumString, IntoStaticStr)]
#[strum(serialize_all = "snake_case", ascii_case_insensitive, const_into_str)]
pub enum CategoryType {
    Income,
    Expense,
}

/// A live category.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CategoryRef {
    pub id: Uuid,
    pub category_type: CategoryType,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    pub id: Uuid,
    pub name: String,
    pub category_type: CategoryType,
    pub icon: Option<String>,
    /// The color as `#RRGGBB`.
    pub color: Option<String>,
    pub parent_id: Option<Uuid>,
    pub version: i64,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

/// The input for a category.
#[derive(Debug, Clone, Default)]
pub struct CategoryInput {
    pub name: String,
    pub category_type: String,
    pub icon: Option<String>,
    pub color: Option<String>,
    pub parent_id: Option<String>,
}

impl CategoryInput {
    /// Validates the input; the use case checks the parent.
    pub fn resolve(&self, id: Uuid, now: DateTime<Utc>) -> Result<Category, Vec<FieldViolation>> {
        let mut violations = Vec::new();
        let name = text::line("name", &self.name, MAX_NAME_CHARS, &mut violations);
        let category_type = parse(&self.category_type);
        let category_type = require(category_type, "type", FieldCode::CategoryTypeInvalid, &mut violations);
        let icon = text::optional_line("icon", self.icon.as_deref(), MAX_ICON_CHARS, &mut violations);
        let color = color(self.color.as_deref(), &mut violations);
        let parent_id = parent_id(self.parent_id.as_deref(), &mut violations);
        match category_type {
            Some(category_type) if violations.is_empty() => Ok(Category {
                id,
                name,
                category_type,
                icon,
                color,
                parent_id,
                version: 1,
                created_at: now,
                updated_at: now,
            }),
            _ => Err(violations),
        }
    }
}

/// The requested changes of a category.
pub type CategoryChanges = Changes<CategoryInput>;

impl CategoryChanges {
    /// Returns the new state of the category and the names of the fields that differ.
    pub fn apply(
        &self,
        category: &Category,
        now: DateTime<Utc>,
    ) -> Result<(Category, Vec<&'static str>), Vec<FieldViolation>> {
        let (sent, mut violations) = (&self.values, Vec::new());
        let mut after = category.clone();
        if self.contains("name") {
            after.name = text::line("name", &sent.name, MAX_NAME_CHARS, &mut violations);
        }
        if self.contains("type") && parse(&sent.category_type) != Some(category.category_type) {
            violations.push(FieldViolation::from_code("type", FieldCode::CategoryTypeImmutable));
        }
        if self.contains("icon") {
            after.icon = text::optional_line("icon", sent.icon.as_deref(), MAX_ICON_CHARS, &mut violations);
        }
        if self.contains("color") {
            after.color = color(sent.color.as_deref(), &mut violations);
        }
        if self.contains("parent_id") {
            after.parent_id = parent_id(sent.parent_id.as_deref(), &mut violations);
        }
        if !violations.is_empty() {
            return Err(violations);
        }
        let fields = [
            ("name", category.name != after.name),
            ("icon", category.icon != after.icon),
            ("color", category.color != after.color),
            ("parent_id", category.parent_id != after.parent_id),
        ];
        let changed: Vec<_> =
            fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect();
        if !changed.is_empty() {
            after.version = category.version.saturating_add(1);
            after.updated_at = now;
        }
        Ok((after, changed))
    }
}

fn color(text: Option<&str>, violations: &mut Vec<FieldViolation>) -> Option<String> {
    let text = text.map(str::trim).filter(|text| !text.is_empty())?;
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        violations.push(FieldViolation::from_code("color", FieldCode::ColorInvalid));
    }
    Some(text.to_ascii_uppercase())
}

fn parent_id(text: Option<&str>, violations: &mut Vec<FieldViolation>) -> Option<Uuid> {
    require(Uuid::parse_str(text?).ok(), "parent_id", FieldCode::ParentInvalid, violations)
}
