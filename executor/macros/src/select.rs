//! `select!`: a local enum with a variant a branch carries the winner's output to its handler.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::visit_mut::{self, VisitMut};
use syn::{Error, Expr, ExprBlock, Ident, Pat, PatIdent, Token, token};

/// As tokio's: the disabled branches are counted in the bits of one word.
const BRANCHES_MAX: usize = 64;

struct Select {
    biased: bool,
    branches: Vec<Branch>,
    otherwise: Option<Expr>,
}

struct Branch {
    pattern: Pat,
    future: Expr,
    condition: Option<Expr>,
    handler: Expr,
}

/// Takes `biased;` off the front, if it is there.
pub(crate) fn parse_biased(input: ParseStream<'_>) -> syn::Result<bool> {
    let ahead = input.fork();
    let biased = ahead.parse::<Ident>().is_ok_and(|word| word == "biased") && ahead.peek(Token![;]);
    if biased {
        input.parse::<Ident>()?;
        input.parse::<Token![;]>()?;
    }
    Ok(biased)
}

impl Parse for Select {
    fn parse(input: ParseStream<'_>) -> syn::Result<Select> {
        let mut select =
            Select { biased: parse_biased(input)?, branches: Vec::new(), otherwise: None };
        while !input.is_empty() {
            if input.peek(Token![else]) {
                input.parse::<Token![else]>()?;
                input.parse::<Token![=>]>()?;
                select.otherwise = Some(parse_handler(input)?);
                if !input.is_empty() {
                    return Err(input.error("`else` must be the last branch"));
                }
                break;
            }
            select.branches.push(input.parse()?);
        }
        if select.branches.is_empty() && select.otherwise.is_none() {
            return Err(input.error("`select!` needs at least one branch"));
        }
        if select.branches.len() > BRANCHES_MAX {
            return Err(Error::new(input.span(), "`select!` takes at most 64 branches"));
        }
        Ok(select)
    }
}

impl Parse for Branch {
    fn parse(input: ParseStream<'_>) -> syn::Result<Branch> {
        let pattern = Pat::parse_multi_with_leading_vert(input)?;
        input.parse::<Token![=]>()?;
        let future = input.parse()?;
        let mut condition = None;
        if input.peek(Token![,]) {
            input.parse::<Token![,]>()?;
            input.parse::<Token![if]>()?;
            condition = Some(input.parse()?);
        }
        input.parse::<Token![=>]>()?;
        Ok(Branch { pattern, future, condition, handler: parse_handler(input)? })
    }
}

/// A handler and the comma behind it, which a block, or the last one, can do without.
fn parse_handler(input: ParseStream<'_>) -> syn::Result<Expr> {
    let handler = if input.peek(token::Brace) {
        Expr::Block(ExprBlock { attrs: Vec::new(), label: None, block: input.parse()? })
    } else {
        input.parse()?
    };
    let can_do_without = matches!(
        handler,
        Expr::Block(_)
            | Expr::If(_)
            | Expr::Match(_)
            | Expr::Loop(_)
            | Expr::While(_)
            | Expr::ForLoop(_)
    );
    if input.peek(Token![,]) {
        input.parse::<Token![,]>()?;
    } else if !input.is_empty() && !can_do_without {
        return Err(input.error("expected `,` after this branch"));
    }
    Ok(handler)
}

/// Makes a pattern one that can be tried on a reference.
struct ByReference;

impl VisitMut for ByReference {
    fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
        pattern.by_ref = None;
        pattern.mutability = None;
        visit_mut::visit_pat_ident_mut(self, pattern);
    }
}

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let Select { biased, branches, otherwise } = match syn::parse2(input) {
        Ok(select) => select,
        Err(error) => return error.into_compile_error(),
    };
    let count = branches.len() as u32;
    let numbers: Vec<_> = (0..count).collect();
    let variants: Vec<_> = numbers.iter().map(|n| format_ident!("Branch{n}")).collect();
    let names: Vec<_> = numbers.iter().map(|n| format_ident!("__future_{n}")).collect();
    let masks: Vec<_> = numbers.iter().map(|n| 1u64 << n).collect();
    let futures = branches.iter().map(|branch| &branch.future);
    let patterns = branches.iter().map(|branch| &branch.pattern);
    let handlers = branches.iter().map(|branch| &branch.handler);
    let disable = branches.iter().zip(&masks).filter_map(|(branch, mask)| {
        let condition = branch.condition.as_ref()?;
        Some(quote! { if !(#condition) { __disabled |= #mask; } })
    });
    let trials = branches.iter().map(|branch| {
        let mut pattern = branch.pattern.clone();
        ByReference.visit_pat_mut(&mut pattern);
        pattern
    });
    let start = if biased || count < 2 {
        quote! { 0u32 }
    } else {
        quote! { ::heist::__private::random_below(#count) }
    };
    let otherwise = otherwise.map_or_else(
        || {
            quote! {
                ::core::panic!(
                    "all branches of this `select!` are disabled and it has no `else` branch"
                )
            }
        },
        |handler| quote! { #handler },
    );
    quote! {{
        enum __Select<#(#variants),*> {
            #(#variants(#variants),)*
            Disabled,
        }
        #[allow(unused_mut)]
        let mut __disabled = 0u64;
        #(#disable)*
        let __output = {
            #(let mut #names = ::core::pin::pin!(::heist::__private::GivenUp::new(
                ::core::future::IntoFuture::into_future(#futures),
            ));)*
            ::core::future::poll_fn(|__cx| {
                let _ = &__cx;
                #[allow(unused_mut)]
                let mut __pending = false;
                let __start = #start;
                for __turn in 0..#count {
                    // With a single branch it is a remainder by one.
                    #[allow(clippy::modulo_one)]
                    match (__start + __turn) % #count {
                        #(#numbers => {
                            if __disabled & #masks != 0 {
                                continue;
                            }
                            match ::core::future::Future::poll(#names.as_mut(), __cx) {
                                ::core::task::Poll::Pending => __pending = true,
                                ::core::task::Poll::Ready(__value) => {
                                    __disabled |= #masks;
                                    #[allow(unused_variables, unreachable_patterns, irrefutable_let_patterns)]
                                    #[allow(clippy::redundant_pattern_matching)]
                                    if let #trials = &__value {
                                        return ::core::task::Poll::Ready(
                                            __Select::#variants(__value),
                                        );
                                    }
                                }
                            }
                        })*
                        _ => ::core::unreachable!(),
                    }
                }
                if __pending {
                    ::core::task::Poll::Pending
                } else {
                    ::core::task::Poll::Ready(__Select::Disabled)
                }
            })
            .await
        };
        #[allow(unreachable_patterns)]
        match __output {
            #(__Select::#variants(#patterns) => #handlers,)*
            __Select::Disabled => #otherwise,
            _ => ::core::unreachable!("a branch was chosen by its pattern"),
        }
    }}
}
