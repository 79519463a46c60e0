/** @file
 * Some of the parameters: which ones, their space, and their eigenvalues layer by layer. See
 * absa/block.h.
 */
#ifndef ABSA_BLOCK_HPP
#define ABSA_BLOCK_HPP

#include <absa/operator.hpp>

namespace absa
{

/** @cond */
ABSA_CPP_DEFAULTS(absa_eigen_options)
ABSA_CPP_DEFAULTS(absa_eigen_result)
/** @endcond */

/** A selection of named ranges; selecting more makes it their union. */
class block
{
  public:
    block(const context &c, std::int64_t n, view<const absa_block_range> ranges)
        : state_(c.shared())
    {
        absa_block *made = nullptr;
        state_->check(absa_block_create(state_->context, n, ranges.data(),
                                        detail::count_of(ranges.size()), &made));
        handle_.reset(made);
    }
    /** Takes over a block that C code made. */
    block(const context &c, absa_block *made) : state_(c.shared()), handle_(made)
    {
    }

    block &select_range(std::int64_t first, std::int64_t count)
    {
        return did(absa_block_select_range(get(), first, count));
    }
    block &select_layers(std::int64_t layers)
    {
        return did(absa_block_select_layers(get(), layers));
    }
    block &select_name(const std::string &pattern)
    {
        return did(absa_block_select_name(get(), pattern.c_str()));
    }
    block &select_share(double share)
    {
        return did(absa_block_select_share(get(), share));
    }
    /** "full", "last:2", "share:0.1", or a name pattern. */
    block &select(const std::string &text)
    {
        return did(absa_block_select(get(), text.c_str()));
    }

    std::int64_t count() const noexcept
    {
        return absa_block_count(get());
    }
    std::int64_t parameter_count() const noexcept
    {
        return absa_block_parameter_count(get());
    }
    std::int64_t piece_count() const noexcept
    {
        return absa_block_piece_count(get());
    }
    std::int64_t layer_count() const noexcept
    {
        return absa_block_layer_count(get());
    }
    absa_block_range piece(std::int64_t i) const
    {
        absa_block_range out{};
        state_->check(absa_block_piece_at(get(), i, &out));
        return out;
    }
    absa_block_range layer(std::int64_t i) const
    {
        absa_block_range out{};
        state_->check(absa_block_layer_at(get(), i, &out));
        return out;
    }
    /** The space of the block's vectors. It may point into the block and into whole. */
    space space_of(const context &c, const space &whole) const
    {
        absa_space out{};
        state_->check(absa_block_space(get(), whole.get(), &out, sizeof out));
        space made(c, out);
        for (const auto &part : whole.keeps())
            made.keep(part);
        return made;
    }
    void expand(const space &whole, const void *part, void *out) const
    {
        state_->check(absa_block_expand(get(), whole.get(), part, out));
    }
    void gather(const space &whole, const void *from, void *part) const
    {
        state_->check(absa_block_gather(get(), whole.get(), from, part));
    }
    absa_block *get() const noexcept
    {
        return handle_.get();
    }

  private:
    block &did(absa_status status)
    {
        state_->check(status);
        return *this;
    }
    std::shared_ptr<detail::state> state_;
    std::unique_ptr<absa_block, detail::destroy<absa_block, absa_block_destroy>> handle_;
};

/** The largest eigenvalue of each range's own block, one result a range. */
inline std::vector<absa_eigen_result>
block_eigenvalues(const linear_operator &base, view<const absa_block_range> ranges,
                  absa_eigen_options o = defaults<absa_eigen_options>(), std::uint64_t stream = 0)
{
    std::vector<absa_eigen_result> out(ranges.size(), defaults<absa_eigen_result>());
    base.shared()->check(absa_block_eigenvalues(base.get(), ranges.data(),
                                                detail::count_of(ranges.size()), &o, stream,
                                                out.data(), sizeof out[0]));
    return out;
}

} // namespace absa

#endif
