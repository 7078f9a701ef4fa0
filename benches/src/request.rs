//! The requests that every variant is fed.

use http::{Method, Request, StatusCode};

/// Routes that requests are spread over.
pub const ROUTES: usize = 32;

/// The templates, as a router writes them.
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

/// The route of a request, as a router in front would have left it.
#[derive(Clone, Copy, Debug)]
pub struct Template(pub &'static str);

/// The status that the service is to answer with.
#[derive(Clone, Copy, Debug)]
pub struct Wanted(pub StatusCode);

/// What the requests of a batch look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mix {
    /// One route, GET, 200.
    Hot,
    /// 32 routes, 2 methods, 3 statuses, in the order of a linear congruential generator.
    Mixed,
}

/// Makes requests without end, the same ones for the same start.
#[derive(Clone, Debug)]
pub struct Requests {
    mix: Mix,
    state: u32,
}

impl Requests {
    /// From the beginning.
    pub fn new(mix: Mix) -> Self {
        Self { mix, state: 1 }
    }

    /// The next request: an uri, three headers, two extensions, an empty body.
    ///
    /// # Panics
    ///
    /// Never: what it is made of is constant and valid.
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
