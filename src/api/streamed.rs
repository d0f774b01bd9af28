//! Bodies that leave part by part: each part is made when the connection can take it, not before. So memory is bounded by a
//! part however long the whole is, and what a part holds is decided at the instant it leaves.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::web::{self, Bytes};

use crate::consent::Permitted;
use crate::fault::Fault;

/// Makes the parts of a body.
pub(super) trait Parts: Send + 'static {
    /// The next part; `None` after the last. A fault ends the body where it is, so that its reader sees that it is not
    /// whole. May block.
    fn next(&mut self) -> Result<Option<Permitted<Vec<u8>>>, Fault>;
}

/// A body made of parts.
pub(super) struct Streamed(State);

type Made = (Box<dyn Parts>, Result<Option<Permitted<Vec<u8>>>, Fault>);

enum State {
    Idle(Box<dyn Parts>),
    /// On a thread that may block.
    Making(Pin<Box<dyn Future<Output = Result<Made, actix_web::error::BlockingError>> + Send>>),
    Done,
}

impl Streamed {
    pub(super) fn of(parts: impl Parts) -> Self {
        Streamed(State::Idle(Box::new(parts)))
    }
}

impl MessageBody for Streamed {
    type Error = Box<dyn std::error::Error>;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        loop {
            match std::mem::replace(&mut self.0, State::Done) {
                State::Done => return Poll::Ready(None),
                State::Idle(mut parts) => {
                    let made = web::block(move || {
                        let next = parts.next();
                        (parts, next)
                    });
                    self.0 = State::Making(Box::pin(made));
                }
                State::Making(mut made) => {
                    let Poll::Ready(made_now) = made.as_mut().poll(context) else {
                        self.0 = State::Making(made);
                        return Poll::Pending;
                    };
                    match made_now {
                        Ok((_, Ok(None))) => return Poll::Ready(None),
                        Ok((parts, Ok(Some(part)))) => {
                            self.0 = State::Idle(parts);
                            // A part of no bytes would be the end of a chunked body (RFC 9112 section 7.1).
                            if !part.peek().is_empty() {
                                return Poll::Ready(Some(Ok(Bytes::from(part.into_inner()))));
                            }
                        }
                        Ok((_, Err(fault))) => return Poll::Ready(Some(Err(fault.into()))),
                        Err(stopped) => return Poll::Ready(Some(Err(stopped.into()))),
                    }
                }
            }
        }
    }
}

impl fmt::Debug for Streamed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Streamed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::Public;

    /// Parts of these lengths, then a fault where there is none.
    struct Lengths(Vec<Option<usize>>);

    impl Parts for Lengths {
        fn next(&mut self) -> Result<Option<Permitted<Vec<u8>>>, Fault> {
            match self.0.is_empty() {
                true => Ok(None),
                false => match self.0.remove(0) {
                    None => Err(Fault::Busy),
                    Some(length) => {
                        let empty = Permitted::<String>::public(Public::fixed(""));
                        Ok(Some(empty.map(|_| vec![b'x'; length])))
                    }
                },
            }
        }
    }

    #[actix_web::test]
    async fn parts_leave_in_order_and_a_fault_breaks_the_body_off() {
        for (lengths, whole, expected) in [
            (vec![], true, vec![]),
            (vec![Some(3), Some(0), Some(0), Some(2)], true, vec![3, 2]),
            (vec![Some(3), None, Some(2)], false, vec![3]),
        ] {
            let mut body = Box::pin(Streamed::of(Lengths(lengths)));
            let (mut seen, mut is_whole) = (Vec::new(), true);
            while let Some(part) = std::future::poll_fn(|context| body.as_mut().poll_next(context)).await {
                match part {
                    Ok(part) => seen.push(part.len()),
                    Err(_) => is_whole = false,
                }
            }
            assert_eq!((seen, is_whole), (expected, whole));
        }
    }
}
