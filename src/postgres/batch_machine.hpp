// The life of one batch in pipeline mode: commands out, a Sync, replies in. Sans-io: told what happened, says what
// next.
#pragma once

#include <cstddef>
#include <cstdint>

namespace stele {

/// Commands 0 .. count-1 have been queued, followed by one Sync. They are one implicit transaction (unless an explicit
/// one is open): nothing is acknowledged before the Sync's reply.
class BatchMachine {
public:
    enum class Do : std::uint8_t {
        flush,    // PQflush; answer flushed() or lost()
        wait,     // until readable, or writable while unsent(); answer woke() or lost()
        consume,  // PQconsumeInput; answer consumed() or lost()
        take,     // PQgetResult unless PQisBusy; answer busy() or reply()
        finish,   // PQgetResult, which need not be waited for; answer reply()
        done      // succeeded() or failed_command() tells how it ended, or was_lost()
    };
    enum class Reply : std::uint8_t { good, error, aborted, end_of_command, sync };

    explicit BatchMachine(std::size_t commands) : commands_(commands) {}

    Do begin() { return Do::flush; }
    /// Where to go on for one who does not wait inside: waits() leaves, next() comes back.
    Do next() const noexcept { return waiting_ ? Do::consume : Do::flush; }
    void waits() noexcept { waiting_ = true; }
    /// Another batch was put behind this one, and not all of it is sent.
    void queued_more() noexcept { unsent_ = true; }
    Do flushed(bool all) {
        unsent_ = !all;
        return Do::take;
    }
    Do busy() { return Do::wait; }
    Do woke() { return Do::consume; }
    Do consumed() { return unsent_ ? Do::flush : Do::take; }
    Do reply(Reply reply) {
        switch (reply) {
            case Reply::error:
                if (failed_ == kNone) failed_ = current_;
                [[fallthrough]];
            case Reply::good:
            case Reply::aborted: return Do::finish;
            case Reply::end_of_command:
                if (current_ < commands_) ++current_;
                return Do::take;
            case Reply::sync: synced_ = true; return Do::done;
        }
        return Do::done;
    }
    Do lost() {
        if (failed_ == kNone) failed_ = current_;
        return Do::done;
    }

    bool unsent() const noexcept { return unsent_; }
    /// The command that the next reply belongs to; commands() once all are answered.
    std::size_t current() const noexcept { return current_; }
    std::size_t commands() const noexcept { return commands_; }
    /// The Sync was answered and no command failed: whatever was written is as durable as the server makes it.
    bool succeeded() const noexcept { return synced_ && failed_ == kNone; }
    bool synced() const noexcept { return synced_; }
    /// The command whose error undid the batch, commands() when the Sync itself failed (a deferred constraint), or
    /// kNone.
    std::size_t failed_command() const noexcept { return failed_; }

    static constexpr std::size_t kNone = static_cast<std::size_t>(-1);

private:
    std::size_t commands_;
    std::size_t current_ = 0;
    std::size_t failed_ = kNone;
    bool unsent_ = true;
    bool waiting_ = false;
    bool synced_ = false;
};

}  // namespace stele
