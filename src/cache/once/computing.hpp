// One call of SemanticCache::get_or_compute, or one renewal in the background.
#pragma once

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "cache/once/flight_sink.hpp"
#include "cache/once/once.hpp"
#include "cache/semantic_cache_impl.hpp"

namespace stele {

/// Of anything that was thrown.
std::string text_of(const std::exception_ptr& thrown);

inline namespace v0 {

/// For one thread.
class SemanticCache::Impl::Computing {
public:
    using Pointer = std::shared_ptr<const SharedAnswer>;

    /// All of it must outlive this.
    Computing(Impl& impl, std::string_view query, const Scope& scope, const Computation& compute,
              const ComputeOptions& options)
        : impl_(impl),
          once_(*impl.shared->once),
          query_(query),
          scope_(scope),
          compute_(compute),
          options_(options),
          request_(impl.request(query, scope)) {}

    ComputedAnswer run();
    /// Unless somebody else does it, or has done it.
    void renew(Flights::Lead lead);

private:
    class Renewal;

    std::chrono::seconds serve_stale() const { return options_.serve_stale.value_or(impl_.options.serve_stale); }
    ComputeClaim new_claim() const { return {request_.name_space, request_.hash, options_.lease}; }
    Deadline step() const { return std::min(options_.deadline, Deadline::after(options_.store_patience)); }
    /// Callers that accept other answers do not share.
    std::string key() const;
    std::string what() const { return fmt::format("the answer to a question of '{}'", scope_.tenant()); }

    GetOutcome find(bool by_meaning);
    std::optional<Hit> old_answer(const GetOutcome& found, std::chrono::seconds within) const;
    ComputedAnswer found_answer(Hit hit, AnswerSource source) const;
    ComputedAnswer serve(GetOutcome found);
    ComputedAnswer finish(const SharedAnswer& got, bool followed);
    void plan_renewal();

    Pointer lead(Flights::Lead lead, const GetOutcome& found);
    /// Nothing: a part of what another process wrote was read here, and nothing came of that.
    std::optional<SharedAnswer> find_or_compute(Flight& flight, const GetOutcome& found);
    std::optional<ClaimLook> claim(Flight& flight);
    ClaimLook wait_for_claim(Flight& flight);
    /// What another process writes goes to those who read along here. False: it is not the one of whom they have read.
    bool pass_on(Flight& flight);
    ComputedAnswer compute(Flight& flight, const GetOutcome& found, bool claimed, bool unattended);
    Kept keep(const std::string& text, const FlightSink& sink, bool claimed);
    void release() noexcept;
    void forget_text() noexcept;
    [[noreturn]] void raise_incomplete(std::size_t bytes) const;

    Impl& impl_;
    Once& once_;
    const std::string_view query_;
    const Scope& scope_;
    const Computation& compute_;
    const ComputeOptions& options_;
    const GetRequest request_;
    std::optional<ComputeClaim> claim_;  // once one is wanted
    std::optional<Uuid> writer_;         // the claim of who writes what is read here
    std::vector<float> unit_;            // of the question, once it was embedded
    bool skipped_ = false;               // by SemanticCacheOptions::skip: the answer is this call's alone
};

}  // namespace v0
}  // namespace stele
