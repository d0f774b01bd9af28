//! An account written down: for a terminal, as JUnit XML, as a FHIR TestReport, as one HTML page. All of them take an account
//! from which the [`Redactor`](super::Redactor) has taken what must not be shown.

mod earlier;
mod html;
mod junit;
mod summary;
mod test_report;

pub use earlier::Earlier;
pub use html::page;
pub use junit::junit;
pub use summary::{line, summary};
pub use test_report::test_report;
