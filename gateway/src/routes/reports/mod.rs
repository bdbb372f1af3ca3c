pub mod get_report;
mod html;
mod response;
