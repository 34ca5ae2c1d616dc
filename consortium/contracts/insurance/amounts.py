"""The amounts of a settlement, by the names of the NHSA data standard."""

from __future__ import annotations

import msgspec


class Amounts(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """The amounts of one settlement in fen; all negated in its reversal."""

    medfee_sumamt: int = 0  # 医疗费总额
    fulamt_ownpay_amt: int = 0  # 全自费金额
    overlmt_selfpay: int = 0  # 超限价自费
    preselfpay_amt: int = 0  # 先行自付
    inscp_amt: int = 0  # 符合政策范围金额
    act_pay_dedc: int = 0  # 实际支付起付线
    hifp_pay: int = 0  # 统筹基金支出
    hifob_pay: int = 0  # 职工大额医疗费用补助支出
    hifmi_pay: int = 0  # 居民大病保险支出
    maf_pay: int = 0  # 医疗救助支出
    fund_pay_sumamt: int = 0  # 基金支付总额
    psn_pay: int = 0  # 个人负担总额
    acct_pay: int = 0  # 个人账户支出
    cash_payamt: int = 0  # 现金支付


def negate(amounts: Amounts) -> Amounts:
    """The amounts of a reversal: the stored ones with the other sign, never computed anew."""
    return Amounts(*(-getattr(amounts, name) for name in amounts.__struct_fields__))
