// The life of one COPY, outside of pipeline mode: the command, the data one way, the end. Sans-io: told what happened,
// says what next.
#pragma once

#include <cstdint>

namespace stele {

/// Works in turns: each starts with one of begin(), put(), get(), close() and discard(), and ends with Do::rest, when
/// state() tells what came of it.
class CopyMachine {
public:
    enum class Way : std::uint8_t { in, out };
    enum class Do : std::uint8_t {
        wait,     // until readable, or writable while wants_to_write(); answer woke()
        listen,   // look at what came, without taking it; answer heard()
        consume,  // PQconsumeInput; answer consumed() or lost()
        offer,    // PQputCopyData; answer offered() or lost()
        flush,    // PQflush; answer flushed() or lost()
        take,     // PQgetResult unless PQisBusy; answer busy(), reply() or lost()
        fetch,    // PQgetCopyData, not waited for; answer fetched()
        rest      // the turn is over
    };
    enum class Reply : std::uint8_t { copy_in, copy_out, good, error, end };
    enum class Heard : std::uint8_t { refusal, other };
    enum class Fetched : std::uint8_t { data, nothing, end, failed };
    enum class State : std::uint8_t {
        opening,
        open,     // data may flow, in the direction of way()
        refused,  // the server will take no more: close() to learn why
        closing,
        over,  // the connection can do something else; failed() tells how it ended
        lost   // the connection cannot be used any more
    };

    /// The command was queued.
    Do begin() { return Do::flush; }
    /// There is data. The turn ends when all of it is out of the process, so that none piles up. It is offered when the
    /// socket can take it: libpq reads what came whenever it cannot send, and shows an error among it only at the end.
    Do put() {
        offered_ = false;
        return Do::wait;
    }
    /// Data is wanted.
    Do get() { return Do::fetch; }
    /// The end of the data, or the wish to give up, was queued.
    Do close() {
        state_ = State::closing;
        return Do::flush;
    }
    /// The server was asked to stop; what still comes is dropped.
    Do discard() {
        state_ = State::closing;
        return Do::fetch;
    }

    Do woke(bool readable) {
        if (!sending()) return Do::consume;
        if (readable) return Do::listen;
        return offered_ ? Do::flush : Do::offer;
    }
    Do heard(Heard heard) {
        if (heard == Heard::other) return Do::consume;
        state_ = State::refused;
        return Do::rest;
    }
    Do consumed() {
        if (sending()) return Do::wait;
        if (unsent_) return Do::flush;
        return has_data() ? Do::fetch : Do::take;
    }
    Do offered() {
        offered_ = true;
        return Do::flush;
    }
    Do flushed(bool all) {
        unsent_ = !all;
        if (!sending()) return Do::take;
        return all ? Do::rest : Do::wait;
    }
    Do busy() { return Do::wait; }
    Do reply(Reply reply) {
        switch (reply) {
            case Reply::copy_in:
            case Reply::copy_out:
                if (state_ != State::opening) return lost();
                way_ = reply == Reply::copy_in ? Way::in : Way::out;
                state_ = State::open;
                return Do::rest;
            case Reply::error: failed_ = true; return Do::take;
            case Reply::good: return Do::take;
            case Reply::end: state_ = State::over; return Do::rest;
        }
        return lost();
    }
    Do fetched(Fetched fetched) {
        switch (fetched) {
            case Fetched::data: return state_ == State::open ? Do::rest : Do::fetch;
            case Fetched::nothing: return Do::wait;
            case Fetched::end:
                state_ = State::closing;
                drained_ = true;
                return Do::take;
            case Fetched::failed: return lost();
        }
        return lost();
    }
    Do lost() {
        state_ = State::lost;
        return Do::rest;
    }

    State state() const noexcept { return state_; }
    /// Known once open.
    Way way() const noexcept { return way_; }
    bool wants_to_write() const noexcept { return unsent_ || sending(); }
    /// The server reported an error.
    bool failed() const noexcept { return failed_; }

private:
    bool sending() const noexcept { return state_ == State::open && way_ == Way::in; }
    bool has_data() const noexcept {
        return way_ == Way::out && (state_ == State::open || (state_ == State::closing && !drained_));
    }

    State state_ = State::opening;
    Way way_ = Way::in;
    bool unsent_ = true;
    bool offered_ = false;
    bool failed_ = false;
    bool drained_ = false;
};

}  // namespace stele
