#include "embedding/endpoint.hpp"

#include <curl/curl.h>
#include <fmt/core.h>
#include <utf8proc.h>

#include <memory>
#include <new>
#include <optional>
#include <span>

#include "base/base64.hpp"

namespace stele {
namespace {

struct UrlDeleter {
    void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, UrlDeleter>;

Url make_url() {
    Url url(curl_url());
    if (!url) throw std::bad_alloc();
    return url;
}

std::optional<std::string> part(const Url& url, CURLUPart what, unsigned flags = 0) {
    char* text = nullptr;
    if (curl_url_get(url.get(), what, &text, flags) != CURLUE_OK) return std::nullopt;
    const std::unique_ptr<char, decltype(&curl_free)> owner(text, &curl_free);
    return std::string(text);
}

std::string without_secrets(const Url& url) {
    for (const CURLUPart secret :
         {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_QUERY, CURLUPART_FRAGMENT})
        curl_url_set(url.get(), secret, nullptr, 0);
    return part(url, CURLUPART_URL).value_or("(unreadable URL)");
}

std::vector<std::string> secrets_of(const Url& url) {
    std::vector<std::string> secrets;
    const auto add = [&](std::optional<std::string> text) {
        if (text && !text->empty()) secrets.push_back(std::move(*text));
    };
    const std::string user = part(url, CURLUPART_USER, CURLU_URLDECODE).value_or("");
    const std::string password = part(url, CURLUPART_PASSWORD, CURLU_URLDECODE).value_or("");
    // Longest first: a secret inside another one must not break it up before it is found.
    if (!user.empty() || !password.empty()) {
        const std::string both = user + ":" + password;
        add(to_base64(std::as_bytes(std::span(both))));
    }
    add(part(url, CURLUPART_QUERY));
    add(part(url, CURLUPART_PASSWORD));
    add(password);
    return secrets;
}

}  // namespace

Result<Endpoint> parse_endpoint(const std::string& base_url) {
    const auto refuse = [](std::string_view why) {
        return fail(make_error(ErrorCode::invalid_argument,
                               fmt::format("the embedder's url cannot be used: {}; expected a base URL such as "
                                           "http://127.0.0.1:8080/v1",
                                           why)));
    };
    const Url url = make_url();
    if (const CURLUcode code = curl_url_set(url.get(), CURLUPART_URL, base_url.c_str(), CURLU_NON_SUPPORT_SCHEME);
        code != CURLUE_OK)
        return refuse(curl_url_strerror(code));
    const std::string scheme = part(url, CURLUPART_SCHEME).value_or("");
    if (scheme != "http" && scheme != "https") return refuse("its scheme is neither http nor https");
    if (part(url, CURLUPART_FRAGMENT)) return refuse("it has a fragment (#...)");

    std::string path = part(url, CURLUPART_PATH).value_or("/");
    while (path.ends_with('/')) path.pop_back();
    path += "/embeddings";
    if (curl_url_set(url.get(), CURLUPART_PATH, path.c_str(), 0) != CURLUE_OK) return refuse("its path is malformed");

    Endpoint endpoint;
    endpoint.url = part(url, CURLUPART_URL).value_or("");
    endpoint.secrets = secrets_of(url);
    endpoint.shown = without_secrets(url);
    return endpoint;
}

std::string shown_url(const std::string& text) {
    const Url url = make_url();
    if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK)
        return "(unreadable URL)";
    return without_secrets(url);
}

std::string presentable(std::string_view text, const std::vector<std::string>& secrets, std::size_t max_bytes) {
    std::string clean(text);
    for (const std::string& secret : secrets) {
        constexpr std::string_view kMark = "[redacted]";
        for (std::size_t at = clean.find(secret); at != std::string::npos; at = clean.find(secret, at + kMark.size()))
            clean.replace(at, secret.size(), kMark);
    }
    std::string shown;
    const auto* const bytes = reinterpret_cast<const utf8proc_uint8_t*>(clean.data());
    for (std::size_t at = 0; at < clean.size();) {
        if (shown.size() >= max_bytes) return shown + " ...";
        utf8proc_int32_t character = 0;
        const auto length = utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(clean.size() - at), &character);
        const bool control = character < 0x20 || (character >= 0x7f && character < 0xa0);
        if (length < 1)
            shown += '?';
        else if (control)
            shown += ' ';
        else
            shown.append(clean, at, static_cast<std::size_t>(length));
        at += length < 1 ? 1 : static_cast<std::size_t>(length);
    }
    return shown;
}

}  // namespace stele
