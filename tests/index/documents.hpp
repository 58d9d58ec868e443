// A model with a member of every kind.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "stele/describe_json.hpp"

namespace library {

enum class Kind { book, paper };
STELE_DESCRIBE_ENUM(Kind, (book), (paper, "white paper"))

struct Author {
    std::string name;
    std::optional<int> born;
};
STELE_DESCRIBE(Author, (name, "full_name"), (born))

struct Chunk {
    std::string text;
    std::string language;
    std::vector<std::string> tags;
    int page = 0;
    double weight = 0;
    bool open = false;
    Kind kind = Kind::book;
    stele::Uuid id;
    std::vector<stele::Uuid> related;
    stele::Timestamp written;
    std::optional<Author> author;
    std::vector<Author> editors;
    std::map<std::string, int> scores;
    stele::Json extra;
};
STELE_DESCRIBE(Chunk, (text), (language, "lang"), (tags, "tag_list"), (page), (weight), (open), (kind), (id), (related),
               (written), (author), (editors), (scores), (extra))

}  // namespace library
