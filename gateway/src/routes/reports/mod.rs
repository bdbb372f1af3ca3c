pub mod get_report;
mod page;
mod view;
