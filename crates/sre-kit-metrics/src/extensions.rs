//! Values that other parts of the kit keep in a registry, one per type.

use std::any::Any;
use std::sync::{Mutex, PoisonError};

/// At most one value of each type.
#[derive(Default)]
pub(crate) struct Extensions {
    values: Mutex<Vec<Box<dyn Any + Send>>>,
}

impl Extensions {
    /// Returns a clone of the value of type `T`, which `create` makes if there is none yet.
    ///
    /// Lock order: `create` runs under the lock of the extensions and can take that of the
    /// families. The families' lock is never held when this is called.
    pub(crate) fn get_or_try_init<T, E>(
        &self,
        create: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E>
    where
        T: Clone + Send + 'static,
    {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(value) = values.iter().find_map(|value| value.downcast_ref::<T>()) {
            return Ok(value.clone());
        }
        let value = create()?;
        values.push(Box::new(value.clone()));
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::Extensions;

    #[test]
    fn each_type_has_one_value_and_an_error_leaves_none() {
        let extensions = Extensions::default();
        assert_eq!(extensions.get_or_try_init(|| Err::<u8, _>("no")), Err("no"));
        assert_eq!(extensions.get_or_try_init(|| Ok::<u8, ()>(1)), Ok(1));
        assert_eq!(extensions.get_or_try_init(|| Ok::<u16, ()>(2)), Ok(2));
        assert_eq!(extensions.get_or_try_init(|| Ok::<u8, ()>(3)), Ok(1), "the first one stays");
    }
}
