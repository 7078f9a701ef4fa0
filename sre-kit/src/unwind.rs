//! A guard that notices a panic in a scope.

/// A guard that runs a function on a value if unwinding drops it. The panic continues.
///
/// It lies in the scope that may panic. `std::thread::panicking` in a `Drop` would not do: what is
/// dropped because of another panic did not panic itself.
#[must_use = "it notices a panic until it is dropped"]
pub(crate) struct PanicGuard<'a, T: ?Sized> {
    value: Option<&'a mut T>,
    panicked: fn(&mut T),
}

impl<'a, T: ?Sized> PanicGuard<'a, T> {
    #[inline]
    pub(crate) fn new(value: &'a mut T, panicked: fn(&mut T)) -> Self {
        Self { value: Some(value), panicked }
    }

    /// Ends the scope without a panic.
    #[inline]
    pub(crate) fn disarm(mut self) {
        self.value = None;
    }
}

impl<T: ?Sized> Drop for PanicGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(value) = self.value.take() {
            (self.panicked)(value);
        }
    }
}
