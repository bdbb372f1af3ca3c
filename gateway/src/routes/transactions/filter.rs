//! The filters of transactions, as query parameters.

/// Defines a query with the filters of transactions and the given fields.
macro_rules! filtered_query {
    ($name:ident { $($(#[$meta:meta])* $field:ident,)* }) => {
        #[derive(serde::Deserialize, utoipa::IntoParams)]
        #[into_params(parameter_in = Query)]
        #[serde(deny_unknown_fields)]
        pub struct $name {
            /// The category of a transaction or of one of its splits.
            /// Subcategories are included unless `children` is false.
            $($(#[$meta])* $field: Option<String>,)*
            #[param(value_type = Option<uuid::Uuid>)]
            category_id: Option<String>,
            /// Whether the subcategories of `category_id` are included; default: true.
            #[param(value_type = Option<bool>)]
            children: Option<String>,
            /// The type: `income`, `expense`, `transfer`, `opening` or `adjustment`.
            #[serde(rename = "type")]
            #[param(value_type = Option<crate::openapi::enums::TransactionType>, inline)]
            kind: Option<String>,
            /// The status: `posted` (default) or `voided`.
            #[param(value_type = Option<crate::openapi::enums::TransactionStatus>, inline)]
            status: Option<String>,
            /// The first day, included.
            #[param(value_type = Option<chrono::NaiveDate>)]
            from: Option<String>,
            /// The last day, included.
            #[param(value_type = Option<chrono::NaiveDate>)]
            to: Option<String>,
            /// The minimum amount in plain decimal digits, included.
            /// It is compared with the household amount; with `currency_code`, with the amount
            /// itself. It must not have more decimals than the currency.
            #[param(pattern = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$")]
            min_amount: Option<String>,
            /// The maximum amount in plain decimal digits, included.
            /// It is compared with the household amount; with `currency_code`, with the amount
            /// itself. It must not have more decimals than the currency.
            #[param(pattern = r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$")]
            max_amount: Option<String>,
            /// The currency of the amount (ISO 4217).
            #[param(value_type = Option<crate::openapi::enums::CurrencyCode>)]
            currency_code: Option<String>,
            /// A whole tag, in any letter case, at most 50 characters.
            #[param(max_length = 50, pattern = r"^[^\u0000-\u001f\u007f-\u009f]+$")]
            tag: Option<String>,
            /// Words in description, notes, reference number and tags.
            /// Each word matches from its beginning; case and accents are ignored. In scripts
            /// without spaces, a match may begin anywhere. Emoji count as words.
            q: Option<String>,
            /// The sort order: `-transaction_date` (default), `transaction_date`, `-amount` or
            /// `amount`.
            /// A minus sign sorts in descending order. Amounts are compared by the household
            /// amount.
            #[param(value_type = Option<crate::openapi::enums::TransactionOrder>, inline)]
            sort: Option<String>,
        }

        impl $name {
            /// Takes the filters out of the query.
            fn take_filter(
                &mut self,
            ) -> Result<fintrac_proto::ledger::v1::TransactionFilter, crate::problem::Problem> {
                let take = |field: &mut Option<String>| field.take().unwrap_or_default();
                let without_children = self.children.as_deref() == Some("false");
                crate::extract::parse_bool("children", self.children.as_ref())?;
                Ok(fintrac_proto::ledger::v1::TransactionFilter {
                    account_id: String::new(),
                    category_id: take(&mut self.category_id),
                    r#type: take(&mut self.kind),
                    status: take(&mut self.status),
                    from: take(&mut self.from),
                    to: take(&mut self.to),
                    min_amount: take(&mut self.min_amount),
                    max_amount: take(&mut self.max_amount),
                    currency_code: take(&mut self.currency_code),
                    sort: take(&mut self.sort),
                    tag: take(&mut self.tag),
                    q: take(&mut self.q),
                    without_children,
                })
            }
        }
    };
}

pub(crate) use filtered_query;
