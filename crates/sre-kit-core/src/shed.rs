//! The mark of a refused request.

/// Marks a response as a refusal that protects the service, in its extensions.
///
/// Whoever sheds load says so with it, and whoever counts requests reads it:
/// [`admission::Admission`](crate::admission::Admission) leaves it in every
/// 503 that it makes, and the golden signals count such
/// a response as shed instead of as an error. A load shedder of one's own does
/// the same:
///
/// ```
/// let mut response = http::Response::builder().status(503).body(()).unwrap();
/// response.extensions_mut().insert(sre_kit_core::Shed);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shed;
