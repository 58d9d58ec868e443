// What a computation is given.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cache/once/flight.hpp"
#include "stele/get_or_compute.hpp"

namespace stele {

class FlightSink final : public AnswerSink {
public:
    /// All must outlive it. `closing`: whoever computes in the background should end.
    FlightSink(Flight& flight, const ComputeOptions& options, std::size_t max_bytes, const std::atomic<bool>* closing)
        : flight_(flight),
          max_bytes_(max_bytes),
          closing_(closing),
          tags_(options.tags),
          depends_on_(options.depends_on) {}

    void write(std::string_view piece) override;
    void metadata(Json value) override;
    void ttl(std::chrono::seconds lifetime) override;
    void tag(std::string_view name) override;
    void depends_on(const Dependencies& more) override;
    void do_not_store() override { unwanted_ = true; }
    bool wanted() const override;
    Deadline deadline() const override;

    const std::optional<Json>& metadata() const noexcept { return metadata_; }
    const std::optional<std::chrono::seconds>& ttl() const noexcept { return ttl_; }
    const std::vector<std::string>& tags() const noexcept { return tags_; }
    const Dependencies& depends_on() const noexcept { return depends_on_; }
    bool to_be_stored() const noexcept { return !unwanted_; }

private:
    Flight& flight_;
    const std::size_t max_bytes_;
    const std::atomic<bool>* const closing_;  // null: somebody called for it
    std::optional<Json> metadata_;
    std::optional<std::chrono::seconds> ttl_;
    std::vector<std::string> tags_;
    Dependencies depends_on_;
    bool unwanted_ = false;
};

}  // namespace stele
