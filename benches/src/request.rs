//! The requests that every variant gets.

use http::{Method, Request, StatusCode};

/// The number of routes of the requests.
pub const ROUTES: usize = 32;

/// The route templates in the syntax of a router.
pub static TEMPLATES: [&str; ROUTES] = [
    "/r00/{id}",
    "/r01/{id}",
    "/r02/{id}",
    "/r03/{id}",
    "/r04/{id}",
    "/r05/{id}",
    "/r06/{id}",
    "/r07/{id}",
    "/r08/{id}",
    "/r09/{id}",
    "/r10/{id}",
    "/r11/{id}",
    "/r12/{id}",
    "/r13/{id}",
    "/r14/{id}",
    "/r15/{id}",
    "/r16/{id}",
    "/r17/{id}",
    "/r18/{id}",
    "/r19/{id}",
    "/r20/{id}",
    "/r21/{id}",
    "/r22/{id}",
    "/r23/{id}",
    "/r24/{id}",
    "/r25/{id}",
    "/r26/{id}",
    "/r27/{id}",
    "/r28/{id}",
    "/r29/{id}",
    "/r30/{id}",
    "/r31/{id}",
];

/// An extension with the route of a request, as a router would set it.
#[derive(Clone, Copy, Debug)]
pub struct Template(pub &'static str);

/// An extension with the status that the service responds with.
#[derive(Clone, Copy, Debug)]
pub struct Wanted(pub StatusCode);

/// The mix of requests in a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// One route, GET, 200.
    Hot,
    /// 32 routes, 2 methods, 3 statuses, in the order of a linear congruential generator.
    Mixed,
}

/// A generator of requests, which returns the same sequence in every run.
#[derive(Clone, Debug)]
pub struct Requests {
    mix: Mix,
    state: u32,
}

impl Requests {
    /// Creates a generator at the start of its sequence.
    pub fn new(mix: Mix) -> Self {
        Self { mix, state: 1 }
    }

    /// Returns the next request, with a URI, three headers, two extensions and an empty body.
    ///
    /// # Panics
    ///
    /// Never panics: its parts are constant and valid.
    pub fn make<B: Default>(&mut self) -> Request<B> {
        let (route, method, status) = match self.mix {
            Mix::Hot => (7, Method::GET, StatusCode::OK),
            Mix::Mixed => {
                // Numerical Recipes' generator; its high bits are the good ones.
                self.state = self.state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let draw = (self.state >> 8) as usize;
                let method =
                    if (draw / ROUTES).is_multiple_of(2) { Method::GET } else { Method::POST };
                let status = [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::BAD_GATEWAY];
                (draw % ROUTES, method, status[draw / ROUTES / 2 % 3])
            }
        };
        Request::builder()
            .method(method)
            .uri(format!("/r{route:02}/42"))
            .header("host", "bench.example")
            .header("user-agent", "bench")
            .header("accept", "*/*")
            .extension(Template(TEMPLATES[route]))
            .extension(Wanted(status))
            .body(B::default())
            .expect("made of valid constants")
    }
}
