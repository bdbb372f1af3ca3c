mod get_report;
mod html;
mod response;

pub use get_report::router;
