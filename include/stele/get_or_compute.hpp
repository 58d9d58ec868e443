// An answer that is not stored, computed once for all who ask for it at the same time.
//
//     const stele::ComputedAnswer answer = cache.get_or_compute(question, scope, [&](stele::AnswerSink& sink) {
//         for (const std::string& token : model.stream(question)) sink.write(token);
//     });
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "stele/deadline.hpp"
#include "stele/dependency.hpp"
#include "stele/error.hpp"
#include "stele/export.hpp"
#include "stele/json.hpp"

namespace stele {
inline namespace v0 {

/// Where a computation writes its answer. Of that computation alone, and no longer than it runs: for one thread at a
/// time.
class STELE_API AnswerSink {
public:
    AnswerSink() = default;
    AnswerSink(const AnswerSink&) = delete;
    AnswerSink& operator=(const AnswerSink&) = delete;
    virtual ~AnswerSink();

    /// The next piece of the answer: whoever reads along sees it at once, and nobody's reader is waited for. Throws
    /// Error(limit_exceeded) when the answer gets longer than SemanticCacheOptions::max_response_bytes: let that out.
    virtual void write(std::string_view piece) = 0;

    // What follows may be said at any time before the end.
    /// Kept beside the answer: a JSON object. Beats ComputeOptions.
    virtual void metadata(Json value) = 0;
    /// 1 s to 100 years. Beats ComputeOptions.
    virtual void ttl(std::chrono::seconds lifetime) = 0;
    /// One more, besides ComputeOptions::tags.
    virtual void tag(std::string_view name) = 0;
    /// More of what the answer is made from, besides ComputeOptions::depends_on: what is learnt on the way, such as the
    /// documents that were found.
    virtual void depends_on(const Dependencies& more) = 0;
    /// The answer is returned, and not stored.
    virtual void do_not_store() = 0;

    /// False: nobody waits for the answer any more, since all deadlines have passed or the cache is being closed. The
    /// computation may go on all the same, and what it completes is stored.
    virtual bool wanted() const = 0;
    /// By when the most patient of those who wait now wants it; to be passed on to the model.
    virtual Deadline deadline() const = 0;
};

/// Writes an answer. It fails by throwing: then nothing is stored, and what it wrote counts for nothing.
using Computation = std::function<void(AnswerSink&)>;
/// Gets the pieces of an answer, in order.
using AnswerReader = std::function<void(std::string_view piece)>;
/// Runs a task soon, on another thread. One that never runs it must destroy it.
using TaskRunner = std::function<void(std::function<void()> task)>;

struct ComputeOptions {
    std::optional<std::vector<float>> embedding{};  ///< as in GetOptions; it is stored with the answer, too
    std::optional<float> similarity_threshold{};    ///< instead of the cache's
    std::optional<std::chrono::seconds> ttl{};      ///< as in PutOptions
    bool never_expires = false;                     ///< beats default_ttl
    Json metadata = Json::object();
    std::vector<std::string> tags{};  ///< as in PutOptions
    Dependencies depends_on{};        ///< as in PutOptions
    std::size_t turns = 1;            ///< as in GetOptions; what is skipped is computed for this call alone
    /// Ends this caller's wait for the computation of another, and no computation.
    Deadline deadline = Deadline::never();
    /// How long the store is waited for at each step; then the computation runs without it.
    std::chrono::milliseconds store_patience{5'000};
    /// A process that has said nothing for so long while it computes (it renews this three times as often) is taken for
    /// dead, and another computes. 100 ms to an hour.
    std::chrono::milliseconds lease{10'000};
    /// Sees the answer while it is computed, here or in another process: what was written before at once, then each
    /// piece; one that is stored as a whole. Called on one thread at a time, which need not be the caller's, and never
    /// after the call has returned. What it throws ends this call alone, with that exception.
    AnswerReader reader{};
    /// Instead of SemanticCacheOptions::serve_stale.
    std::optional<std::chrono::seconds> serve_stale{};
    /// When the computation fails and has written nothing: the answer that was past its lifetime for no longer than
    /// this is returned, as Hit::stale.
    std::chrono::seconds stale_if_error{0};
};

/// Where an answer of get_or_compute is from.
enum class AnswerSource : std::uint8_t {
    stored,    ///< it was found
    computed,  ///< by this call
    shared     ///< another caller's computation, in this process or in another, for which this call has waited
};
STELE_API std::string_view to_string(AnswerSource source) noexcept;

/// What became of a computed answer.
enum class Kept : std::uint8_t {
    stored,    ///< durably, or it was found
    unwanted,  ///< the computation did not want it to be, or SemanticCacheOptions::skip
    refused,   ///< SemanticCacheOptions::validator says that it is none
    replaced,  ///< another process took over meanwhile: its answer counts
    failed     ///< the store was away, or refused it: see the log
};
STELE_API std::string_view to_string(Kept kept) noexcept;

/// To one who has read a part of an answer whose computation then failed, or was given up by the one whose it was.
class STELE_API IncompleteAnswer : public Error {
public:
    IncompleteAnswer(ErrorInfo info, std::size_t bytes, std::exception_ptr cause);
    /// That were read.
    std::size_t bytes() const noexcept { return bytes_; }
    /// What the computation failed with; null where that was in another process.
    const std::exception_ptr& cause() const noexcept { return cause_; }

private:
    std::size_t bytes_;
    std::exception_ptr cause_;
};

}  // namespace v0
}  // namespace stele
