#include "postgres/outage.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace stele {
namespace {

std::string length_text(Deadline::Clock::duration length) {
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(length).count();
    return ms < 1'000 ? fmt::format("{} ms", ms) : fmt::format("{:.1f} s", static_cast<double>(ms) / 1'000);
}

}  // namespace

bool Outage::active(Time now) const noexcept {
    // a failure that nobody followed up says nothing about later
    constexpr std::chrono::seconds kStale{60};
    return failures_ > 0 && now - last_ <= kStale;
}

void Outage::failed(ErrorInfo error, Time now) {
    if (!active(now)) failures_ = 0;
    if (failures_++ == 0) began_ = now;
    last_ = now;
    error_ = std::move(error);
    // between half and the whole of the step, so that many clients do not come back together
    random_ = random_ * 1'664'525u + 1'013'904'223u;
    const auto step = std::min<std::chrono::milliseconds>(limits_.first_pause * (1 << std::min(failures_ - 1, 16)),
                                                          limits_.max_pause);
    const auto half = static_cast<std::uint32_t>(step.count() / 2);
    next_ = now + step / 2 + std::chrono::milliseconds((random_ >> 16) % (half + 1));
}

void Outage::succeeded() {
    reached_before_ = true;
    failures_ = 0;
}

Outage::Time Outage::patient_until() const noexcept {
    if (!passes_by_itself()) return Time::min();
    // before the first success there is but the opening caller, who says how long
    return reached_before_ ? began_ + limits_.patience : Time::max();
}

bool Outage::passes_by_itself() const noexcept {
    if (error_.retry == Retry::no) return false;
    const bool starts_up = error_.sqlstate == "57P03";
    return reached_before_ || limits_.trusts || starts_up;
}

std::string Outage::numbers(Time now) const {
    if (failures_ == 1) return fmt::format("{} ago", length_text(now - last_));
    return fmt::format("{} attempts in {}, the last {} ago", failures_, length_text(now - began_),
                       length_text(now - last_));
}

ErrorInfo Outage::explain(Time now) const {
    ErrorInfo info = error_;
    const bool is_news = failures_ == 1 && now - last_ < std::chrono::milliseconds(10);  // to whom made the attempt
    if (!is_news) info.message += " (" + numbers(now) + ")";
    return info;
}

std::string Outage::remark(Time now) const {
    if (!active(now)) return {};
    return "; a new connection was refused (" + numbers(now) + "): " + error_.message;
}

}  // namespace stele
