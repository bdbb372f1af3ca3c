budget-threshold-title = { $name }: { $percent } % des Budgets ausgegeben
budget-threshold-body = Sie haben { $spent } von { $limit } im Zeitraum vom { $from } bis { $to } ausgegeben.

budget-exceeded-title = { $name }: Budget ausgeschöpft ({ $percent } %)
budget-exceeded-body = Sie haben { $spent } ausgegeben; die Grenze für den Zeitraum vom { $from } bis { $to } ist { $limit }.

goal-milestone-title = { $name }: { $percent } % des Weges
goal-milestone-body = Sie haben { $current } von { $target } zurückgelegt.

goal-reached-title = { $name }: Ziel erreicht
goal-reached-body = Sie haben { $current } zurückgelegt; Ihr Ziel war { $target }. Gut gemacht!

goal-deadline-title = { $days ->
    [0] { $name }: heute fällig
    [1] { $name }: morgen fällig
   *[other] { $name }: in { $days } Tagen fällig
}
goal-deadline-body = Sie haben { $current } von { $target } zurückgelegt; das Ziel ist am { $due } fällig.

monthly-report-title = Ihr Bericht für { $month }
monthly-report-body = { $income } kamen herein und { $expense } gingen hinaus, das ergibt { $net }. Ihr Nettovermögen am Ende des Monats betrug { $worth }.
amounts-unpriced = Beträge von { $amounts } konnten nicht umgerechnet werden und sind nicht enthalten.
report-uncategorized = Ohne Kategorie
