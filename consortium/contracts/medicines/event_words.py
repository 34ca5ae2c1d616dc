"""What each event of these contracts says to a person. `{name}`: a field; amounts and days are told as such."""

from __future__ import annotations

from consortium.core.words import mark

EVENT_WORDS = {
    "lot-produced": mark("{holder} produces lot {lot_no} of {packs} packs"),
    "lot-extended": mark("lot {lot_no} grows by {packs} packs to {packs_in_all}"),
    "lot-recalled": mark("lot {lot_no} of {packs} packs is recalled: {reason}"),
    "temperature-read": mark(
        "pack {drug_trac_codg} of lot {lot_no} is read at {place}: {temperature} hundredths of °C"
    ),
    "cold-chain-excursion": mark(
        "the cold chain of lot {lot_no} broke at {place}: pack {drug_trac_codg} was at {temperature} hundredths of °C"
    ),
    "packs-transferred": mark("{source} hands {packs} packs to {target}"),
    "packs-sent-back": mark("{source} sends {packs} packs of the recalled lot {lot_no} back"),
    "pack-sold": mark("{seller} sells pack {drug_trac_codg}"),
    "pack-returned": mark("{seller} takes {units} units of pack {drug_trac_codg} back"),
    "uncoded-proposed": mark("{fixmedins_code} says that it holds {count} packs of {med_list_codg} without codes"),
    "uncoded-listed": mark("{count} packs of {med_list_codg} without codes are listed at {fixmedins_code}"),
    "tender-awarded": mark("tender {contract_no} is awarded to {supplier}"),
    "tender-amended": mark("tender {contract_no} with {supplier} is amended"),
    "tender-closed": mark("tender {contract_no} is closed"),
    "subcontract-signed": mark("{fixmedins_code} agrees to take {volume} packs under tender {contract_no}"),
    "subcontract-amended": mark("{fixmedins_code} agrees to take {volume} packs instead under tender {contract_no}"),
    "order-placed": mark("{fixmedins_code} places order {order_no} of {amount_fen}"),
    "order-amended": mark("{fixmedins_code} amends order {order_no}, now of {amount_fen}"),
    "order-prepaid": mark("{amount_fen} are prepaid on order {order_no}"),
    "order-shipped": mark("order {order_no} is shipped: {packs} packs, {invoices} invoices"),
    "shipment-amended": mark("the shipment of order {order_no} is amended: {packs} packs, {invoices} invoices"),
    "order-rejected": mark("order {order_no} is rejected at its inspection"),
    "order-received": mark("order {order_no} is received, {packs} packs; it is to be paid by {due_day}"),
    "volume-progress": mark("of subcontract {subcontract} {received} of {agreed} packs are received"),
    "order-paid": mark("{amount_fen} are paid to {payee} for order {order_no}, {late_days} days late"),
    "goods-sent-back": mark("{packs} packs of order {order_no} go back to {supplier}"),
    "order-refunded": mark("order {order_no} is refunded: {fund_fen} to the fund, {buyer_fen} to the buyer"),
    "receivable-confirmed": mark(
        "{buyer} confirms that it owes {supplier} {face_fen} for order {order_no} by {due_day}"
    ),
    "receivable-offered": mark(
        "{face_fen} owed for order {order_no} are offered to {bank} for {price_fen} until {last_day}"
    ),
    "receivable-withdrawn": mark("what is owed for order {order_no} is offered to {bank} no more"),
    "receivable-declined": mark("{bank} declines what is owed for order {order_no}"),
    "receivable-factored": mark("{bank} buys what is owed for order {order_no} from {supplier} for {price_fen}"),
    "receivable-recovered": mark("{bank} gets {amount_fen} back from {supplier}: goods of order {order_no} went back"),
    "lot-declared": mark("lot {lot_no} was produced on {produced_on} and expires with {expires_day}"),
    "lot-step-recorded": mark(
        "step {serial} of lot {lot_no}: {step} at {place} on {equipment}, of {materials} materials"
    ),
    "lot-fault-reported": mark("pack {drug_trac_codg} of lot {lot_no} is no good: {fault}; of its packs {faults} are"),
    "lot-quarantined": mark("{member} puts lot {lot_no} into quarantine: {reason}"),
    "lot-release-asked": mark("the producer of lot {lot_no} asks for its release"),
    "lot-released": mark("lot {lot_no} is released from quarantine"),
    "device-model-registered": mark("{supplier} registers the model {udi_di}, {kind}, of item {med_list_codg}"),
    "devices-registered": mark("{supplier} registers {devices} pieces of lot {lot_no} of {udi_di}"),
    "devices-transferred": mark("{source} hands {devices} pieces of {udi_di} to {target}"),
    "device-used": mark("piece {serial} of {udi_di} is used on line {feedetl_sn} of bill {bill_no}, use {uses} of it"),
    "device-taken-back": mark("piece {serial} of {udi_di} was not used on bill {bill_no} after all: {reason}"),
    "device-sterilised": mark("piece {serial} of {udi_di} is sterile ({method}); it passed {cycles} cycles"),
    "device-cycle-failed": mark(
        "a cycle of piece {serial} of {udi_di} failed ({method}); it was last used on bill {last_bill_no}"
    ),
    "device-lot-recalled": mark("lot {lot_no} of {udi_di}, {devices} pieces, is recalled: {reason}"),
    "vaccine-schedule-set": mark("a series of {vaccine} has {doses} doses from {from_day} on"),
    "vaccine-target-set": mark("in {year} {persons} persons are to be vaccinated with {vaccine}"),
    "dose-given": mark("{fixmedins_code} gives dose {dose_no} of {vaccine}, of lot {lot_no}: number {serial} of {of}"),
    "dose-withdrawn": mark("dose {dose_no} of {vaccine} was recorded wrongly: {reason}"),
    "reaction-reported": mark(
        "{reaction} after dose {dose_no} of lot {lot_no} is reported; of the lot {serious_in_lot} are serious"
    ),
}
