//! The mark of a response that sheds load.

/// The extension that marks a response as load shedding.
///
/// A layer that refuses a request to protect the service inserts it, and layers that count
/// requests read it: the golden signals of `sre-kit` count such a response as shed and not as an
/// error. `sre_kit::admission` inserts it in every response of its own with status 503. Another
/// load shedder does the same:
///
/// ```
/// let mut response = http::Response::builder().status(503).body(()).unwrap();
/// response.extensions_mut().insert(sre_kit_core::Shed);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Shed;
