mod get_report;
mod html;

pub use get_report::router;
