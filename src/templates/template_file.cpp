#include "templates/template_file.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <fstream>
#include <sstream>

#include "base/replace_file.hpp"
#include "base/result.hpp"

namespace stele {
namespace {

using Kind = JsonNode::Kind;

JsonNode empty_array() {
    JsonNode node;
    node.kind = Kind::array;
    return node;
}

[[noreturn]] void refuse(const std::filesystem::path& file, std::string_view fault) {
    raise(ErrorCode::invalid_argument, fmt::format("the templates in {} cannot be read: {}", file.string(), fault));
}

const std::string* text_of(const JsonNode& item, std::string_view key) {
    const JsonNode* found = item.find(key);
    return found != nullptr && found->kind == Kind::string ? &found->text : nullptr;
}

Json object_of(const JsonNode& item, std::string_view key) {
    const JsonNode* found = item.find(key);
    return found == nullptr || found->kind == Kind::null ? Json::object() : Json::trusted(found->to_text());
}

TemplateRecord record_of(const JsonNode& item, const std::filesystem::path& file, std::size_t index) {
    const auto fault = [&](std::string_view what) { refuse(file, fmt::format("[{}] {}", index, what)); };
    if (item.kind != Kind::object) fault("is not an object");
    if (text_of(item, "identifier") == nullptr) fault("has no text \"identifier\"");
    const std::string* content = text_of(item, "content");
    if (content == nullptr) fault("has no text \"content\"");
    TemplateRecord record{{}, *content, object_of(item, "variables"), object_of(item, "meta")};
    if (const std::string* description = text_of(item, "description")) record.description = *description;
    if (!record.variables.is_object()) fault("has \"variables\" that are not an object");
    if (!record.meta.is_object()) fault("has a \"meta\" that is not an object");
    return record;
}

void set(JsonNode& item, std::string_view key, JsonNode value) {
    for (std::size_t i = 0; i < item.keys.size(); ++i) {
        if (item.keys[i] == key) {
            item.items[i] = std::move(value);
            return;
        }
    }
    item.keys.emplace_back(key);
    item.items.push_back(std::move(value));
}

void fill(JsonNode& item, std::string_view identifier, const TemplateRecord& record) {
    item.kind = Kind::object;
    set(item, "identifier", parse_json(Json::string(identifier).text()));
    set(item, "description", record.description ? parse_json(Json::string(*record.description).text()) : JsonNode());
    set(item, "variables", parse_json(record.variables.text()));
    set(item, "content", parse_json(Json::string(record.content).text()));
    set(item, "meta", parse_json(record.meta.text()));
}

bool is_of(const JsonNode& item, std::string_view identifier) {
    const std::string* found = text_of(item, "identifier");
    return found != nullptr && *found == identifier;
}

std::int64_t nanoseconds(const timespec& time) {
    return std::chrono::nanoseconds(std::chrono::seconds(time.tv_sec)).count() + time.tv_nsec;
}

}  // namespace

std::vector<std::string> TemplateFile::identifiers(Deadline) {
    MutexLock lock(mutex_);
    refresh();
    std::vector<std::string> all;
    for (const auto& [identifier, record] : records_) all.push_back(identifier);
    return all;
}

std::vector<std::pair<std::string, TemplateRecord>> TemplateFile::page(std::string_view after, std::size_t limit,
                                                                       Deadline) {
    MutexLock lock(mutex_);
    refresh();
    std::vector<std::pair<std::string, TemplateRecord>> all;
    for (auto it = records_.upper_bound(after); it != records_.end() && all.size() < limit; ++it) all.emplace_back(*it);
    return all;
}

std::optional<TemplateFile::Stored> TemplateFile::find(std::string_view identifier, const RevisionSelector& which,
                                                       Deadline) {
    MutexLock lock(mutex_);
    refresh();
    const TemplateRecord* record = chosen(identifier, which);
    return record == nullptr ? std::nullopt : std::optional(Stored{written_, *record});
}

const TemplateRecord* TemplateFile::chosen(std::string_view identifier, const RevisionSelector& which) {
    const auto found = records_.find(identifier);
    if (found == records_.end()) return nullptr;
    switch (which.kind()) {
        case RevisionSelector::Kind::newest: return &found->second;
        case RevisionSelector::Kind::as_of: return written_ <= which.time() ? &found->second : nullptr;
        case RevisionSelector::Kind::exactly: return written_ == which.time() ? &found->second : nullptr;
        case RevisionSelector::Kind::labelled: break;
    }
    return nullptr;
}

std::optional<Timestamp> TemplateFile::define(std::string_view identifier, const TemplateRecord& record,
                                              const RevisionNote&, Deadline deadline) {
    const FileDescriptor only_writer = lock_folder_of(file_, deadline);
    MutexLock lock(mutex_);
    refresh();
    const auto found = records_.find(identifier);
    if (found != records_.end() && same(found->second, record) && !append_unchanged_) return std::nullopt;
    JsonNode changed = document_;
    const auto item = std::find_if(changed.items.rbegin(), changed.items.rend(),
                                   [&](const JsonNode& each) { return is_of(each, identifier); });
    fill(item == changed.items.rend() ? changed.items.emplace_back() : *item, identifier, record);
    write(changed);
    return written_;
}

std::optional<Timestamp> TemplateFile::restore(std::string_view identifier, Timestamp created, const RevisionNote&,
                                               Deadline) {
    MutexLock lock(mutex_);
    refresh();
    const RevisionSelector which = RevisionSelector::exactly(created);
    if (chosen(identifier, which) != nullptr) return std::nullopt;
    raise(ErrorCode::not_found, fmt::format("there is no {} of '{}' in {}, which keeps one of each", which.to_string(),
                                            identifier, file_.string()));
}

std::size_t TemplateFile::remove(std::string_view identifier, Deadline deadline) {
    const FileDescriptor only_writer = lock_folder_of(file_, deadline);
    MutexLock lock(mutex_);
    refresh();
    if (!records_.contains(identifier)) return 0;
    JsonNode changed = document_;
    std::erase_if(changed.items, [&](const JsonNode& each) { return is_of(each, identifier); });
    write(changed);
    return 1;
}

std::vector<Revision> TemplateFile::history(std::string_view identifier, const HistoryOptions& options, Deadline) {
    MutexLock lock(mutex_);
    refresh();
    if (options.limit == 0 || !records_.contains(identifier)) return {};
    if (options.before && written_ >= *options.before) return {};
    return {{written_}};
}

/// Of two elements of one identifier the last counts.
void TemplateFile::refresh() {
    struct stat found{};
    const bool exists = ::stat(file_.c_str(), &found) == 0;
    if (!exists && errno == ENOENT) {
        document_ = empty_array();
        records_.clear();
        read_ = {};
        return;
    }
    const Seen seen{found.st_ino, found.st_size, nanoseconds(found.st_mtim), nanoseconds(found.st_ctim)};
    if (exists && read_ == seen) return;
    std::ifstream stream(file_, std::ios::binary);
    std::ostringstream text;
    text << stream.rdbuf();
    if (!exists || !stream) {
        raise(ErrorCode::unavailable, fmt::format("the templates' file {} cannot be read", file_.string()));
    }
    JsonNode document;
    try {
        document = parse_json(text.str());
    } catch (const Error& fault) {
        refuse(file_, fault.what());
    }
    if (document.kind != Kind::array) refuse(file_, "it is not a JSON array");
    std::map<std::string, TemplateRecord, std::less<>> records;
    for (std::size_t i = 0; i < document.items.size(); ++i) {
        TemplateRecord record = record_of(document.items[i], file_, i);
        records.insert_or_assign(*text_of(document.items[i], "identifier"), std::move(record));
    }
    document_ = std::move(document);
    records_ = std::move(records);
    read_ = seen;
    written_ = Timestamp(std::chrono::duration_cast<Timestamp::duration>(std::chrono::nanoseconds(seen.modified)));
}

void TemplateFile::write(const JsonNode& document) {
    replace_file(file_, document.to_indented_text() + "\n");
    read_ = {};
    refresh();
}

}  // namespace stele
