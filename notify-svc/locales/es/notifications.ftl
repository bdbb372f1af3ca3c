budget-threshold-title = { $name }: { $percent } % del presupuesto gastado
budget-threshold-body = Has gastado { $spent } de { $limit } en el periodo del { $from } al { $to }.

budget-exceeded-title = { $name }: presupuesto agotado ({ $percent } %)
budget-exceeded-body = Has gastado { $spent }; el límite del periodo del { $from } al { $to } es { $limit }.

goal-milestone-title = { $name }: { $percent } % del camino
goal-milestone-body = Has apartado { $current } de { $target }.

goal-reached-title = { $name }: meta alcanzada
goal-reached-body = Has apartado { $current }; tu objetivo era { $target }. ¡Enhorabuena!

goal-deadline-title = { $days ->
    [0] { $name }: vence hoy
    [1] { $name }: vence mañana
   *[other] { $name }: vence en { $days } días
}
goal-deadline-body = Has apartado { $current } de { $target }; la meta vence el { $due }.

monthly-report-title = Tu informe de { $month }
monthly-report-body = Entraron { $income } y salieron { $expense }, lo que da un neto de { $net }. Tu patrimonio neto a fin de mes era de { $worth }.
amounts-unpriced = Los importes de { $amounts } no se pudieron convertir y no están incluidos.
report-uncategorized = Sin categoría
