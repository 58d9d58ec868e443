#include "cache/once/claim_keeper.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/signals_blocked.hpp"

namespace stele {
namespace {

constexpr std::chrono::milliseconds kBetweenPieces{100};

}  // namespace

ClaimKeeper::~ClaimKeeper() {
    std::thread over;
    {
        MutexLock lock(mutex_);
        stopping_ = true;
        over.swap(thread_);
        change_.notify_all();
    }
    if (over.joinable()) over.join();
}

ClaimKeeper::Held::Held(ClaimKeeper& keeper, const ComputeClaim& claim, const AnswerStream& stream)
    : keeper_(keeper), claim_(claim), stream_(stream), due_(Deadline::Clock::now() + claim.lease / 3) {
    MutexLock lock(keeper_.mutex_);
    if (!keeper_.thread_.joinable()) {
        const SignalsBlocked blocked;
        keeper_.thread_ = std::thread([&keeper] { keeper.run(); });
    }
    place_ = keeper_.held_.insert(keeper_.held_.end(), this);
    keeper_.change_.notify_all();
}

ClaimKeeper::Held::~Held() {
    MutexLock lock(keeper_.mutex_);
    keeper_.held_.erase(place_);
}

bool ClaimKeeper::Held::told() const {
    MutexLock lock(keeper_.mutex_);
    return told_ != 0;
}

void ClaimKeeper::run() {
    for (;;) {
        Due due;
        {
            MutexLock lock(mutex_);
            if (stopping_) return;
            due = what_is_due(Deadline::Clock::now());
            if (due.claims.empty() && due.pieces.empty()) {
                if (held_.empty()) {
                    change_.wait(mutex_);
                } else {
                    change_.wait_until(mutex_, due.next);
                }
                continue;
            }
        }
        if (!due.claims.empty()) renew(due.claims);
        for (const Piece& piece : due.pieces) tell(piece);
    }
}

ClaimKeeper::Due ClaimKeeper::what_is_due(Deadline::Clock::time_point now) {
    Due due;
    for (Held* const held : held_) {
        if (held->due_ <= now) {
            due.claims.push_back(held->claim_);
            held->due_ = now + held->claim_.lease / 3;
        }
        if (held->tell_ <= now) {
            std::string more = held->stream_.text_from(held->told_);
            held->tell_ = now + kBetweenPieces;
            if (!more.empty()) due.pieces.push_back({held->claim_, held->told_, more});
            held->told_ += more.size();
        }
        due.next = std::min({due.next, held->due_, held->tell_});
    }
    return due;
}

// One that fails is made again when it is due the next time: there is room for that in a lease.
void ClaimKeeper::renew(const std::vector<ComputeClaim>& due) {
    const auto patience = std::min_element(due.begin(), due.end(), [](const ComputeClaim& a, const ComputeClaim& b) {
                              return a.lease < b.lease;
                          })->lease;
    try {
        const std::vector<Uuid> followed = claims_.renew(due, Deadline::after(patience / 3));
        failing_ = false;
        if (followed.empty()) return;
        MutexLock lock(mutex_);
        for (Held* const held : held_) {
            const bool read = std::find(followed.begin(), followed.end(), held->claim_.token) != followed.end();
            if (read) held->tell_ = std::min(held->tell_, Deadline::Clock::now());
        }
    } catch (const std::exception& error) {
        if (std::exchange(failing_, true)) return;
        log_(fmt::format("what is being computed could not be said, so another process may begin it too: {}",
                         error.what()));
    }
}

// One that fails leaves a gap: those elsewhere read no further, and get the rest with the answer.
void ClaimKeeper::tell(const Piece& piece) {
    try {
        claims_.write_text(piece.claim, piece.from, piece.text, Deadline::after(piece.claim.lease / 3));
    } catch (const std::exception& error) {
        log_(fmt::format("what is being computed cannot be read in other processes meanwhile: {}", error.what()));
    }
}

}  // namespace stele
