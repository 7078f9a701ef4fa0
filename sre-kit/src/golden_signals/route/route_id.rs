//! Ids of routes and the settings of single routes.

/// The id of a route in the [`RouteIndex`](super::RouteIndex) of its layer.
///
/// The highest bit says that the route is excluded, so a request to an excluded route is recognized
/// without another load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RouteId(u32);

impl RouteId {
    /// The requests that match no route.
    pub(crate) const UNMATCHED: Self = Self(0);
    /// All routes above the limit.
    pub(crate) const OVERFLOW: Self = Self(1);
    /// The ids that are taken by the two above.
    pub(crate) const RESERVED: usize = 2;

    const EXCLUDED: u32 = 1 << 31;

    /// Creates the id of the `number`th route.
    pub(super) fn new(number: usize, excluded: bool) -> Option<Self> {
        let index = u32::try_from(number + Self::RESERVED).ok().filter(|i| i & Self::EXCLUDED == 0);
        index.map(|index| Self(if excluded { index | Self::EXCLUDED } else { index }))
    }

    /// Creates an id from its [`bits`](Self::bits).
    #[inline]
    pub(super) fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    #[inline]
    pub(super) fn bits(self) -> u32 {
        self.0
    }

    /// Returns the index of the route among all routes of the layer.
    #[inline]
    pub(crate) fn index(self) -> usize {
        (self.0 & !Self::EXCLUDED) as usize
    }

    /// Returns whether requests to the route are not recorded.
    #[inline]
    pub(crate) fn is_excluded(self) -> bool {
        self.0 & Self::EXCLUDED != 0
    }
}

/// The settings of one route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RouteFlags {
    /// Whether requests are not recorded.
    pub(crate) excluded: bool,
    /// Whether every response is a stream.
    pub(crate) stream: bool,
}
