#include "demo_memory.hpp"

#include <algorithm>

#include "stele/describe_json.hpp"

namespace stele::cli {

// Stored with an answer, so that a later run can tell what it was the answer to.
struct DemoNote {
    std::string group;
    std::optional<std::string> near;
};
STELE_DESCRIBE(DemoNote, (group), (near))

std::string demo_schema(std::string_view fingerprint) {
    constexpr std::string_view kOwn = "stele-";
    constexpr std::size_t kLongestName = 63;  // of an identifier in PostgreSQL
    constexpr std::size_t kSum = 64, kShortSum = 8;
    if (fingerprint.starts_with(kOwn)) fingerprint.remove_prefix(kOwn.size());
    std::string schema = "stele_demo";
    std::string part;
    const auto add_part = [&schema, &part] {
        if (part.size() == kSum) part.resize(kShortSum);  // a model's: what follows it must have room
        if (!part.empty()) schema += '_' + part;
        part.clear();
    };
    for (const char c : fingerprint) {
        if (c >= 'A' && c <= 'Z') {
            part += static_cast<char>(c - 'A' + 'a');
        } else if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) {
            part += c;
        } else {
            add_part();
        }
    }
    add_part();
    schema.resize(std::min(schema.size(), kLongestName));
    return schema;
}

DemoMemory::DemoMemory(SemanticCache& cache, const DemoQuestions& questions)
    : cache_(cache), scope_(Scope("demo").with("questions", questions.digest)) {}

std::optional<DemoServed> DemoMemory::look_up(const DemoQuestion& question) const {
    std::optional<Hit> hit = cache_.get(question.question, scope_);
    if (!hit) return std::nullopt;
    auto note = from_json<DemoNote>(hit->metadata);
    DemoServed served;
    served.group = std::move(note.group);
    served.near = std::move(note.near);
    served.question = std::move(hit->query);
    served.answer = std::move(hit->response);
    served.similarity = hit->similarity;
    served.layer = hit->layer;
    return served;
}

void DemoMemory::store(const DemoQuestion& question, const std::string& answer) const {
    PutOptions options;
    options.metadata = to_json(DemoNote{question.group, question.near});
    cache_.put(question.question, answer, scope_, options);
}

std::size_t DemoMemory::entries() const {
    return static_cast<std::size_t>(cache_.stats(scope_).entries);
}

void DemoMemory::forget(const std::function<bool(std::size_t)>& go_on) const {
    constexpr std::size_t kPage = 200;
    std::size_t gone = 0;
    std::optional<std::int64_t> before;
    for (;;) {
        const std::vector<CacheEntry> page = cache_.list(scope_, kPage, before);
        if (page.empty()) return;
        for (const CacheEntry& entry : page) {
            if (!go_on(gone)) return;
            cache_.remove(entry.query, scope_);
            ++gone;
        }
        before = page.back().id;
    }
}

}  // namespace stele::cli
