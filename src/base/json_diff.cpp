#include "base/json_diff.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>

#include "base/json_path.hpp"
#include "base/json_tree.hpp"

namespace stele {
namespace {

using Kind = JsonNode::Kind;
using detail::JsonStep;

/// As a described member where it could be one, else as the key of a map.
JsonStep step_to(std::string_view key) {
    constexpr std::string_view kOther = "_-";
    const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    const auto plain = [&](char c) {
        return letter(c) || (c >= '0' && c <= '9') || kOther.find(c) != std::string_view::npos;
    };
    const bool member =
        !key.empty() && (letter(key.front()) || key.front() == '_') && std::all_of(key.begin(), key.end(), plain);
    return {member ? JsonStep::Kind::member : JsonStep::Kind::key, key, 0};
}

using Members = std::map<std::string_view, const JsonNode*>;
Members members_of(const JsonNode& object) {
    Members members;
    for (std::size_t i = 0; i < object.items.size(); ++i) members[object.keys[i]] = &object.items[i];
    return members;
}

class Comparison {
public:
    std::vector<JsonChange> changes;

    void compare(const JsonNode& before, const JsonNode& after) {
        if (before.kind == Kind::object && after.kind == Kind::object) {
            compare_objects(before, after);
        } else if (before.kind == Kind::array && after.kind == Kind::array) {
            compare_arrays(before, after);
        } else if (before.kind != after.kind || before.flag != after.flag ||
                   (before.kind == Kind::number ? !same_number(before.text, after.text) : before.text != after.text)) {
            add(&before, &after);
        }
    }

private:
    void add(const JsonNode* before, const JsonNode* after) {
        const auto json = [](const JsonNode* node) {
            return node == nullptr ? std::nullopt : std::optional(Json::trusted(node->to_text()));
        };
        changes.push_back({render_path(steps_), json(before), json(after)});
    }

    /// One of them may be missing.
    void compare_inside(JsonStep step, const JsonNode* before, const JsonNode* after) {
        steps_.push_back(step);
        if (before != nullptr && after != nullptr) {
            compare(*before, *after);
        } else {
            add(before, after);
        }
        steps_.pop_back();
    }

    void compare_objects(const JsonNode& before, const JsonNode& after) {
        const Members old_members = members_of(before), new_members = members_of(after);
        auto left = old_members.begin();
        auto right = new_members.begin();
        while (left != old_members.end() || right != new_members.end()) {
            const bool in_old = left != old_members.end() &&  //
                                (right == new_members.end() || left->first <= right->first);
            const bool in_new = right != new_members.end() &&  //
                                (left == old_members.end() || right->first <= left->first);
            compare_inside(step_to(in_old ? left->first : right->first), in_old ? left->second : nullptr,
                           in_new ? right->second : nullptr);
            if (in_old) ++left;
            if (in_new) ++right;
        }
    }

    void compare_arrays(const JsonNode& before, const JsonNode& after) {
        const auto item = [](const JsonNode& array, std::size_t index) {
            return index < array.items.size() ? &array.items[index] : nullptr;
        };
        for (std::size_t i = 0; i < std::max(before.items.size(), after.items.size()); ++i) {
            compare_inside({JsonStep::Kind::item, {}, i}, item(before, i), item(after, i));
        }
    }

    std::vector<JsonStep> steps_;
};

/// A path has the keys as they are: one with a line feed must not look like two changes.
std::string on_one_line(const std::string& path) {
    const bool has_control = std::any_of(path.begin(), path.end(), [](unsigned char c) { return c < 0x20; });
    return has_control ? Json::string(path).text() : path;
}

}  // namespace

std::vector<JsonChange> json_diff(const Json& before, const Json& after) {
    const JsonNode old_tree = parse_json(before.text()), new_tree = parse_json(after.text());
    Comparison comparison;
    comparison.compare(old_tree, new_tree);
    return std::move(comparison.changes);
}

std::string to_text(std::span<const JsonChange> changes) {
    std::string text;
    for (const JsonChange& change : changes) {
        const std::string path = on_one_line(change.path);
        if (change.before) text += fmt::format("- {}: {}\n", path, change.before->text());
        if (change.after) text += fmt::format("+ {}: {}\n", path, change.after->text());
    }
    return text;
}

}  // namespace stele
