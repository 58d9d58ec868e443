#include <map>

#include "base/mutex.hpp"
#include "configuration/configurations.hpp"

namespace stele {
namespace {

class MemoryConfigurations final : public Configurations {
public:
    explicit MemoryConfigurations(bool append_unchanged) : append_unchanged_(append_unchanged) {}

    std::vector<std::string> identifiers(Deadline) override {
        MutexLock lock(mutex_);
        std::vector<std::string> all;
        for (const auto& [identifier, revisions] : revisions_) all.push_back(identifier);
        return all;
    }
    std::optional<Json> newest(std::string_view identifier, Deadline) override {
        MutexLock lock(mutex_);
        const auto found = revisions_.find(identifier);
        return found == revisions_.end() ? std::nullopt : std::optional(found->second.back());
    }
    bool define(std::string_view identifier, const Json& content, std::string_view, Deadline) override {
        MutexLock lock(mutex_);
        std::vector<Json>& all = revisions_[std::string(identifier)];
        if (!append_unchanged_ && !all.empty() && same_value(all.back(), content)) return false;
        all.push_back(content);
        return true;
    }
    std::size_t remove(std::string_view identifier, Deadline) override {
        MutexLock lock(mutex_);
        const auto found = revisions_.find(identifier);
        if (found == revisions_.end()) return 0;
        const std::size_t count = found->second.size();
        revisions_.erase(found);
        return count;
    }

private:
    const bool append_unchanged_;
    Mutex mutex_;
    std::map<std::string, std::vector<Json>, std::less<>> revisions_ STELE_GUARDED_BY(mutex_);
};

}  // namespace

std::unique_ptr<Configurations> make_memory_configurations(bool append_unchanged) {
    return std::make_unique<MemoryConfigurations>(append_unchanged);
}

}  // namespace stele
