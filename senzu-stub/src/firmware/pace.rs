//! An image that is read no faster than it may go out.

use super::{
    budget::{Budget, piece_bytes},
    lanes::OnTheWay,
};
use std::{
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, ReadBuf},
    time::Sleep,
};

/// How fast one image may go: within the share of whoever gets it, and within what campaigns allow its management network.
#[derive(Debug)]
pub struct Pace {
    share: Option<Arc<Budget>>,
    way: Option<OnTheWay>,
}

impl Pace {
    pub(super) fn new(share: Option<Arc<Budget>>, way: Option<OnTheWay>) -> Self {
        Self { share, way }
    }

    /// How much is sent at once.
    pub fn piece_bytes(&self) -> usize {
        let of_share = piece_bytes(self.share.as_ref().map(|share| share.bytes_per_s()));
        self.way.as_ref().map_or(of_share, |way| of_share.min(way.piece_bytes()))
    }

    /// Takes bytes; answers how long to wait before they may go out.
    fn take(&self, bytes: usize) -> Duration {
        let of_share = self.share.as_ref().map_or(Duration::ZERO, |share| share.take(bytes));
        self.way.as_ref().map_or(of_share, |way| of_share.max(way.take(bytes)))
    }
}

/// What is read at a pace: each piece waits for its turn before it is given.
#[derive(Debug)]
pub struct Paced<R> {
    source: R,
    pace: Pace,
    turn: Turn,
}

#[derive(Debug)]
enum Turn {
    /// So much may go out now.
    Open(usize),
    /// So much may, then.
    Waits(Pin<Box<Sleep>>, usize),
}

impl<R> Paced<R> {
    pub fn new(source: R, pace: Pace) -> Self {
        Self { source, pace, turn: Turn::Open(0) }
    }

    /// How much is read at once.
    pub fn piece_bytes(&self) -> usize {
        self.pace.piece_bytes()
    }
}

impl<R: AsyncRead + Unpin> AsyncRead for Paced<R> {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let most = loop {
            match &mut this.turn {
                Turn::Open(0) if into.remaining() == 0 => return Poll::Ready(Ok(())),
                Turn::Open(0) => {
                    let piece = this.pace.piece_bytes().min(into.remaining());
                    this.turn = match this.pace.take(piece) {
                        Duration::ZERO => Turn::Open(piece),
                        wait => Turn::Waits(Box::pin(tokio::time::sleep(wait)), piece),
                    };
                }
                Turn::Open(most) => break *most,
                Turn::Waits(sleep, piece) => {
                    ready!(sleep.as_mut().poll(context));
                    this.turn = Turn::Open(*piece);
                }
            }
        };
        let mut piece = ReadBuf::new(into.initialize_unfilled_to(most.min(into.remaining())));
        ready!(Pin::new(&mut this.source).poll_read(context, &mut piece))?;
        let read = piece.filled().len();
        into.advance(read);
        this.turn = Turn::Open(most - read);
        Poll::Ready(Ok(()))
    }
}
