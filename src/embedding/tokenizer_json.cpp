// WordPiece's reader of tokenizer.json, as Hugging Face's tokenizers writes it.
#include <fmt/core.h>
#include <simdjson.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "embedding/endpoint.hpp"
#include "embedding/word_piece.hpp"

namespace stele {
namespace {

namespace dom = simdjson::dom;

// The largest in use have a quarter of a million tokens, in 5 MB.
constexpr std::size_t kMaxFileBytes = 64U << 20U;

template <class... Arguments>
tl::unexpected<ErrorInfo> refuse_tokenizer(fmt::format_string<Arguments...> format, Arguments&&... arguments) {
    return fail(make_error(ErrorCode::invalid_argument, fmt::format(format, std::forward<Arguments>(arguments)...)));
}

std::string_view text_at(dom::element root, const char* pointer) {
    std::string_view text;
    return root.at_pointer(pointer).get(text) == simdjson::SUCCESS ? text : std::string_view();
}

bool flag_at(dom::element root, const char* pointer, bool otherwise) {
    bool flag = otherwise;
    return root.at_pointer(pointer).get(flag) == simdjson::SUCCESS ? flag : otherwise;
}

// Nothing may be overlooked that would give other pieces.
Result<void> check_kind(dom::element root) {
    for (const auto& [pointer, kind] :
         {std::pair("/model/type", "WordPiece"), std::pair("/normalizer/type", "BertNormalizer"),
          std::pair("/pre_tokenizer/type", "BertPreTokenizer")})
        if (const auto found = text_at(root, pointer); found != kind)
            return refuse_tokenizer("its {} is \"{}\"; only \"{}\" can be read", pointer, presentable(found, {}, 80),
                                    kind);
    dom::array added;
    if (root["added_tokens"].get(added) != simdjson::SUCCESS) return {};
    for (const dom::element token : added)
        if (!flag_at(token, "/special", false))
            return refuse_tokenizer("it adds a word to its vocabulary, \"{}\"; only special tokens can be added",
                                    presentable(text_at(token, "/content"), {}, 80));
    return {};
}

// The tokens at both ends, in either of the two forms there are.
Result<void> read_ends(dom::element root, WordPiece::Options& options) {
    const auto kind = text_at(root, "/post_processor/type");
    dom::array single;
    if (kind == "BertProcessing") {
        options.first = text_at(root, "/post_processor/cls/0");
        options.last = text_at(root, "/post_processor/sep/0");
    } else if (kind == "TemplateProcessing" &&
               root.at_pointer("/post_processor/single").get(single) == simdjson::SUCCESS && single.size() == 3 &&
               text_at(root, "/post_processor/single/1/Sequence/id") == "A") {
        options.first = text_at(root, "/post_processor/single/0/SpecialToken/id");
        options.last = text_at(root, "/post_processor/single/2/SpecialToken/id");
    } else {
        return refuse_tokenizer("its post_processor (\"{}\") does not put one token at each end of a text",
                                presentable(kind, {}, 80));
    }
    return {};
}

Result<WordPiece::Options> read_options(dom::element root) {
    if (auto checked = check_kind(root); !checked) return fail(std::move(checked.error()));
    WordPiece::Options options;
    if (auto read = read_ends(root, options); !read) return fail(std::move(read.error()));
    options.clean_text = flag_at(root, "/normalizer/clean_text", true);
    options.split_chinese = flag_at(root, "/normalizer/handle_chinese_chars", true);
    options.lower_case = flag_at(root, "/normalizer/lowercase", true);
    options.strip_accents = flag_at(root, "/normalizer/strip_accents", options.lower_case);
    options.prefix = text_at(root, "/model/continuing_subword_prefix");
    options.unknown = text_at(root, "/model/unk_token");
    std::uint64_t max_word = 0;
    if (root.at_pointer("/model/max_input_chars_per_word").get(max_word) == simdjson::SUCCESS)
        options.max_word = max_word;
    return options;
}

}  // namespace

Result<WordPiece> WordPiece::from_tokenizer_json(std::string_view json, std::size_t most) {
    if (json.size() > kMaxFileBytes)
        return refuse_tokenizer("the tokenizer has {} bytes: too many for one", json.size());
    dom::parser parser;
    dom::element root;
    if (const auto error = parser.parse(json.data(), json.size()).get(root); error != simdjson::SUCCESS)
        return refuse_tokenizer("the tokenizer is not JSON ({})", simdjson::error_message(error));
    auto options = read_options(root);
    if (!options) return refuse_tokenizer("the tokenizer cannot be used: {}", options.error().message);
    dom::object vocabulary;
    if (root.at_pointer("/model/vocab").get(vocabulary) != simdjson::SUCCESS)
        return refuse_tokenizer("the tokenizer has no object model.vocab");
    std::vector<Token> tokens;
    tokens.reserve(std::min(vocabulary.size(), most));
    for (const auto [text, value] : vocabulary) {
        if (tokens.size() == most)
            return refuse_tokenizer("the tokenizer has more than {} tokens: is it this model's?", most);
        std::uint64_t id = 0;
        if (value.get(id) != simdjson::SUCCESS || id > std::numeric_limits<std::int32_t>::max())
            return refuse_tokenizer("the tokenizer's token \"{}\" has no id", presentable(text, {}, 80));
        tokens.push_back({text, static_cast<std::uint32_t>(id)});
    }
    return create(tokens, *std::move(options));
}

}  // namespace stele
