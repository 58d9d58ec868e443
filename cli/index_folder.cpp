#include "index_folder.hpp"

#include <nlohmann/json.hpp>

namespace stele::cli {

FolderIndex::FolderIndex(VectorIndex<Json>& index, const std::vector<DocumentChunk>& chunks, std::string prefix)
    : index_(index), chunks_(chunks), prefix_(std::move(prefix)) {
    for (const DocumentChunk& chunk : chunks_) ++counts_[chunk.path];
}

std::size_t FolderIndex::add(std::optional<Deadline> deadline, const std::function<void(std::size_t done)>& progress) {
    const auto chunk_of = [](const Json& document) { return from_json<DocumentChunk>(document); };
    IndexAllOptions<Json> options;
    options.key = [&](const Json& document) { return chunk_of(document).key(); };
    options.on_progress = [&](const IndexProgress& so_far) { progress(so_far.values); };
    options.deadline = deadline;
    auto next = [at = chunks_.begin(), end = chunks_.end()]() mutable -> std::optional<Json> {
        if (at == end) return std::nullopt;
        return to_json(*at++);
    };
    return index_.index_all(next, [&](const Json& document) { return chunk_of(document).whole(); }, options).embedded;
}

std::vector<Uuid> FolderIndex::stale(bool gone, std::optional<Deadline> deadline) const {
    SearchOptions<Json> page;
    page.limit = 1000;
    page.where = json_field("path").starts_with(prefix_) && json_field("position").exists();
    page.deadline = deadline;
    std::vector<Uuid> stale;
    for (;;) {
        const std::vector<Found<Json>> found = index_.newest(page);
        for (const Found<Json>& each : found) {
            const auto document = nlohmann::json::parse(each.value.text());
            if (!document["position"].is_number_integer()) continue;
            const auto count = counts_.find(document["path"].get<std::string>());
            const bool there = count != counts_.end();
            if (there ? document["position"].get<std::int64_t>() >= count->second : gone) stale.push_back(each.id);
        }
        if (found.size() < static_cast<std::size_t>(page.limit)) return stale;
        page.after = found.back().cursor();
    }
}

}  // namespace stele::cli
