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
        listen,   // see whether the server has refused the copy; answer heard()
        consume,  // PQconsumeInput; answer consumed() or lost()
        flush,    // PQflush; answer flushed() or lost()
        wait,     // until readable, or writable while unsent(); answer woke()
        take,     // PQgetResult unless PQisBusy; answer busy(), reply() or lost()
        fetch,    // PQgetCopyData, not waited for; answer fetched()
        rest      // the turn is over
    };
    enum class Reply : std::uint8_t { copy_in, copy_out, good, error, end };
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
    /// Data was queued. The turn ends when all of it is out of the process, so that none piles up.
    Do put() { return Do::listen; }
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

    Do heard(bool refused) {
        if (!refused) return Do::consume;
        state_ = State::refused;
        return Do::rest;
    }
    Do consumed() {
        if (sending() || unsent_) return Do::flush;
        return has_data() ? Do::fetch : Do::take;
    }
    Do flushed(bool all) {
        unsent_ = !all;
        if (!sending()) return Do::take;
        return all ? Do::rest : Do::wait;
    }
    Do woke() { return sending() ? Do::listen : Do::consume; }
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
    bool unsent() const noexcept { return unsent_; }
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
    bool failed_ = false;
    bool drained_ = false;
};

}  // namespace stele
